/*
 * Message attributes: a map of names to {DataType, StringValue | BinaryValue}. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "failure.h"

#define ATTRIBUTES_MAX      10
#define ATTRIBUTES_MD5_SIZE 33

/*
 * Checks a map and copies what is known of it. *ret: owned, NULL for an empty or absent map;
 * *ret_bytes: what it adds to the message's size.
 */
bool attributes_read(const json_t *given, json_t **ret, size_t *ret_bytes, struct failure *failure);

/* Those whose names fit one of the patterns of MessageAttributeNames; owned, NULL if none does. */
json_t *attributes_select(const json_t *attributes, const json_t *patterns);

/* The MD5OfMessageAttributes. */
void attributes_md5(const json_t *attributes, char ret[ATTRIBUTES_MD5_SIZE]);
