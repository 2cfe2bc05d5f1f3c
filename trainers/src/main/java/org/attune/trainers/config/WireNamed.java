package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

/// A constant whose name in files isn't its own in lower case.
@Api(EXPERIMENTAL)
public interface WireNamed {
    /// The constant's name in files.
    String wireName();
}
