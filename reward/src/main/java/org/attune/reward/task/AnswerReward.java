package org.attune.reward.task;

import org.attune.error.DatasetException;
import org.attune.reward.RewardBatch;
import org.attune.reward.RewardFunction;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// Rewards 1 for a right answer and 0 for a wrong one; rows without an answer get none.
///
/// @param check how a completion is compared with the answer
/// @param column the data set's column with the answer
public record AnswerReward(AnswerCheck check, String column) implements RewardFunction {
    /// The column that tasks write.
    public static final String COLUMN = "answer";

    /// A reward that reads the right answer from the column [#COLUMN].
    public AnswerReward(AnswerCheck check) {
        this(check, COLUMN);
    }

    @Override
    public String name() {
        return check.toString();
    }

    /// @throws DatasetException if the data set has no such column
    @Override
    public List<OptionalDouble> score(RewardBatch batch) {
        List<Object> answers = batch.columns().get(column);
        if (answers == null) {
            throw new DatasetException(
                    "the rows have no column \"%s\" with the right answer; they have %s"
                            .formatted(column, batch.columns().keySet()));
        }
        var rewards = new ArrayList<OptionalDouble>(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            Object answer = answers.get(i);
            rewards.add(
                    answer == null
                            ? OptionalDouble.empty()
                            : OptionalDouble.of(reward(batch, i, answer.toString())));
        }
        return rewards;
    }

    private double reward(RewardBatch batch, int i, String answer) {
        return check.accepts(batch.completions().get(i).text(), answer) ? 1 : 0;
    }
}
