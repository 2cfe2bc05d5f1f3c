package org.attune.reward.task;

import java.util.Optional;

/// A problem of a task: prompt, right answer and maybe a likely mistake.
///
/// @param prompt what the user says
/// @param answer what is right, in the form that the task's check compares with
/// @param mistake a wrong answer that somebody careless gives; empty where carelessness does no
///     harm, as an addition in which nothing is carried
public record Problem(String prompt, String answer, Optional<String> mistake) {
    public Problem {
        if (mistake.isPresent() && mistake.get().equals(answer)) {
            throw new IllegalArgumentException(
                    "%s: the mistake \"%s\" is the answer".formatted(prompt, answer));
        }
    }

    /// A problem with the mistake `given`, or without one if that happens to be right.
    public static Problem of(String prompt, String answer, String given) {
        return new Problem(prompt, answer, Optional.of(given).filter(m -> !m.equals(answer)));
    }
}
