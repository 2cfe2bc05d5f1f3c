package org.attune.trainers.config;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.List;

/// A record whose values must fit each other, beyond the range of each.
@Api(EXPERIMENTAL)
public interface CrossChecked {
    /// What does not fit; empty if all does. Called only when every value is in its own range.
    List<ConfigProblem> crossFieldProblems();
}
