/*
 * A bundle's ZIP file, unpacked into a folder.
 *
 * A ZIP is anybody's who can build one: nothing in it leaves the folder, be it by "..", by an
 * absolute name or through a link; nothing but files, folders and links that stay inside is taken;
 * and there are ceilings on how many there are and how large they are when unpacked. A ZIP
 * describes each file twice, beside the content and in its directory: sizes and checksums that
 * differ are refused, and the name and the method are those beside the content. Files are
 * readable by all, and executable where the ZIP says so. Blocks; for the main thread, whose current
 * directory it changes and changes back.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define UNZIP_TEXT_MAX 512

#define UNZIP_BYTES_MAX (UINT64_C(1) << 30) /* four times what Lambda takes */
#define UNZIP_FILES_MAX 100000u

/*
 * folder: an open directory, empty. 0; or a negative errno and one line that names the entry:
 * -EPERM for one that would leave the folder or is of a kind that is not taken, -EFBIG past a
 * ceiling, -EBADMSG for what is not a ZIP, or broken. What was unpacked by then is left to the
 * caller.
 */
int unzip(const char *path, int folder, char ret_text[static UNZIP_TEXT_MAX]);
