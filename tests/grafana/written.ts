/*
 * What a dashboard may be, as Grafana publishes it for its own programs. There some words are names
 * of constants; in JSON they are written out.
 */
import type { Dashboard } from "@grafana/schema";

type Written<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Written<T[K]> } : T;

export type WrittenDashboard = Written<Dashboard>;
