package org.attune.cli;

/// A command that computes: the engine starts while its arguments are still being checked.
interface UsesEngine {}
