package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.util.List;

/// A kind of problem. Implement it to add one; `new Task(kind, "digits=3")` then draws from it.
public interface TaskKind {
    /// The task's name, as in `--task name`.
    String name();

    /// What the task is, in one sentence for lists.
    String description();

    /// What makes it easier or harder.
    List<Parameter> parameters();

    /// How completions are judged.
    AnswerCheck check();

    /// Draws one problem. Equal states of `random` give equal problems, and equal prompts have
    /// equal answers.
    Problem draw(Difficulty difficulty, UniformRandomProvider random);
}
