package org.attune.trainers.loop;

import org.attune.checkpoint.Checkpoint;
import org.attune.error.AttuneException;
import org.attune.policy.ParameterSpace;
import org.attune.policy.ValueHash;
import org.attune.ranks.Collective;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// Updates after which the processes of a run compare the trained values now and then: all compute
/// the same, so a difference means that one of them computes wrong.
///
/// @param updates does the work
/// @param spaces trained values
/// @param ranks processes of the run
/// @param every how many steps lie between comparisons, ≥ 1
record ComparedUpdates(
        WeightUpdates updates, List<ParameterSpace> spaces, Collective ranks, int every)
        implements WeightUpdates {
    @Override
    public void begin(Step step) {
        updates.begin(step);
    }

    @Override
    public void finish(Step step) {
        updates.finish(step);
        int made = step.number() + 1;
        if (made % every == 0) {
            compare(made);
        }
    }

    @Override
    public boolean mayStop() {
        return updates.mayStop();
    }

    private void compare(int step) {
        double[] own =
                spaces.stream()
                        .filter(ParameterSpace::keepsValues) // else no two ranks have the same
                        .mapToDouble(space -> ValueHash.of(space.values()))
                        .toArray();
        double[][] hashes = ranks.allGather("comparison of weights", own);
        for (int rank = 1; rank < hashes.length; rank++) {
            if (!Arrays.equals(hashes[rank], hashes[0])) {
                throw new AttuneException(
                        ("after step %d the weights of %s differ from those of %s, though both"
                             + " computed the same; they went apart at most %d steps before. Look"
                             + " whether a machine has faulty memory or another kind of processor,"
                             + " and resume from a checkpoint before step %d")
                                .formatted(
                                        step,
                                        ranks.where(rank),
                                        ranks.where(0),
                                        every,
                                        Math.max(1, step - every + 1)));
            }
        }
    }

    @Override
    public double gradientNorm() {
        return updates.gradientNorm();
    }

    @Override
    public void showResult() {
        updates.showResult();
    }

    @Override
    public void showTrained() {
        updates.showTrained();
    }

    @Override
    public void save(Path folder) throws IOException {
        updates.save(folder);
    }

    @Override
    public void give() {
        updates.give();
    }

    @Override
    public void restore(Checkpoint checkpoint) {
        updates.restore(checkpoint);
    }
}
