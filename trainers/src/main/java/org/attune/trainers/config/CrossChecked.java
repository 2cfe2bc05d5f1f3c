package org.attune.trainers.config;

import java.util.List;

/// A record whose values must fit each other, beyond the range of each.
public interface CrossChecked {
    /// What does not fit; empty if all does. Called only when every value is in its own range.
    List<ConfigProblem> crossFieldProblems();
}
