#include "aws/partition.h"

#include <stddef.h>
#include <string.h>

struct partition {
	const char *prefix;
	const char *name;
	const char *suffix;
};

static const struct partition *partition_of(const char *region)
{
	static const struct partition partitions[] = {
		{"cn-", "aws-cn", "amazonaws.com.cn"},
		{"us-gov-", "aws-us-gov", "amazonaws.com"},
		{"us-iso-", "aws-iso", "c2s.ic.gov"},
		{"us-isob-", "aws-iso-b", "sc2s.sgov.gov"},
		{"us-isof-", "aws-iso-f", "csp.hci.ic.gov"},
		{"eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"},
		{"eusc-", "aws-eusc", "amazonaws.eu"},
		{"", "aws", "amazonaws.com"},
	};
	const struct partition *p = partitions;

	while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
		p++;
	return p;
}

const char *partition_name(const char *region)
{
	return partition_of(region)->name;
}

const char *partition_suffix(const char *region)
{
	return partition_of(region)->suffix;
}
