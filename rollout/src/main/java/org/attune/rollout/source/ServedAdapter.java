package org.attune.rollout.source;

import java.nio.file.Path;

/// An adapter for servers to load.
///
/// @param name by which they know it; another one's is never used again
/// @param folder in PEFT's form, under the path by which servers find it
public record ServedAdapter(String name, Path folder) {}
