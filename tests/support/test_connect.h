/*
 * What every test keeps to: connections to other hosts than this one are refused. This tells where
 * the last one would have led.
 */
#pragma once

/* "169.254.169.254:80", "[fd00:ec2::254]:80"; "": there was none. */
const char *test_connect_refused(void);
