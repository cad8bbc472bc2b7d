/*
 * AWS's partitions: worlds of their own, by how their regions' names begin. Pure.
 */
#pragma once

/* As ARNs name it: "aws", "aws-cn" … A region that is of none of the others is of the first. */
const char *partition_name(const char *region);
/* Under which its services have their names. */
const char *partition_suffix(const char *region);
