package org.attune.trainers.config;

/// A constant whose name in files isn't its own in lower case.
public interface WireNamed {
    /// Its name in files.
    String wireName();
}
