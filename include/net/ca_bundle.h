/*
 * The file with certificates of authorities that is used instead of the system's.
 */
#pragma once

/*
 * Whether the file at path holds at least one certificate in PEM, and nothing broken before the
 * last: 0, -EBADMSG, -EFBIG (no bundle is that large), -ENOMEM, or the negative errno of reading.
 * Blocks as long as the file system does.
 */
int ca_bundle_check(const char *path);
