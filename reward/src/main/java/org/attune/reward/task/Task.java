package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A kind of problem at one difficulty.
public final class Task {
    /// After so many draws in a row that bring nothing new there is nothing new.
    private static final int PATIENCE = 20_000;

    private final TaskKind kind;
    private final Difficulty difficulty;

    /// @param difficulty `easy`, `medium`, `hard`, `name=value,…`, or both; empty is easy
    /// @throws ConfigException if it names an unknown parameter or a value outside its range
    public Task(TaskKind kind, String difficulty) {
        this.kind = kind;
        this.difficulty = Difficulty.parse(kind.name(), kind.parameters(), difficulty);
    }

    public String name() {
        return kind.name();
    }

    public TaskKind kind() {
        return kind;
    }

    public Difficulty difficulty() {
        return difficulty;
    }

    /// Draws different problems of one side. Equal arguments give equal problems, and a larger
    /// count gives the same ones first.
    ///
    /// @throws ConfigException if there are fewer
    public List<Problem> generate(long seed, int count, Split split) {
        UniformRandomProvider random =
                RandomSource.XO_SHI_RO_256_PP.create(new long[] {seed, name().hashCode()});
        var problems = new ArrayList<Problem>(count);
        Set<String> prompts = new HashSet<>();
        for (int idle = 0; problems.size() < count; idle++) {
            if (idle == PATIENCE) {
                throw new ConfigException(
                        "%s at %s has only about %d different %s problems, asked for %d; ask for"
                                        .formatted(name(), difficulty, prompts.size(), split, count)
                                + " fewer or raise the difficulty");
            }
            Problem problem = kind.draw(difficulty, random);
            if (Split.of(problem.prompt()) == split && prompts.add(problem.prompt())) {
                problems.add(problem);
                idle = 0;
            }
        }
        return List.copyOf(problems);
    }

    /// Rewards 1 for a completion that gives the row's `answer`, 0 for any other.
    public AnswerReward verifier() {
        return new AnswerReward(kind.check());
    }
}
