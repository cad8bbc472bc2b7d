/*
 * What a queue's attributes say, as client_attributes() gives them: texts, by SQS' own names. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/* 0 where it is not there. */
uint64_t attributes_number(const json_t *attributes, const char *name);
/* Visible, in flight and delayed together; approximately, as SQS counts. */
uint64_t attributes_messages(const json_t *attributes);
/* How often a message is received before it is dead; 0: there is no redrive policy. */
int attributes_receives(const json_t *attributes);
