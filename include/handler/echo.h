/*
 * The built-in job type test-echo: succeeds at once. Keys of its payload rehearse other ends:
 * delayMs (waits that long first), fail (fails with this text), failAttempts (fails only while the
 * attempt is at most this). A payload that is not an object, or lacks them, is fine.
 */
#pragma once

#include "handler/handler.h"

handler_fn echo_run;
