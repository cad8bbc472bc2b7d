/*
 * That nothing is left open.
 */
#pragma once

/* How many descriptors this process has, and a few more of its own; for comparing. */
unsigned test_descriptors(void);
