package org.attune.trainers.loop;

import org.attune.error.ConfigException;
import org.attune.policy.ParameterSpace;
import org.attune.ranks.Collective;
import org.attune.ranks.RankParts;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.trainers.config.TrainingConfig;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.LongStream;

/// The devices that a run's settings are meant for, and which of them this process computes: each
/// process has neighbours. What a device adds to gradients is added up apart from the others, and
/// these sums are added in a binary tree of neighbours. So the bits of a step don't depend on how
/// many processes there are, where each has 1, 2, 4 … devices.
public final class LogicalDevices implements AutoCloseable {
    private static final String GRADIENTS = "gradients";

    private final int count;
    private final Collective ranks;
    private final boolean parted;
    private final TensorScope scope = TensorScope.detached("devices");
    private final Map<Place, Tensor> kept = new HashMap<>(); // sums on the way

    /// Where a sum waits for its neighbour's.
    private record Place(ParameterSpace space, int depth) {}

    /// @param count of all processes together, ≥ 1
    /// @param ranks borrowed
    /// @param parted whether each process gets the sum of its [part][RankParts] only
    /// @throws ConfigException if there are more processes than devices
    LogicalDevices(int count, Collective ranks, boolean parted) {
        this.count = count;
        this.ranks = ranks;
        this.parted = parted;
        if (ranks.size() > count) {
            throw ConfigException.about(
                    "logical_devices",
                    ("%d, but %d ranks were started, of which some would have nothing to do; start"
                                    + " at most %d, or set %d, which gives a step as many times"
                                    + " the rows")
                            .formatted(count, ranks.size(), count, ranks.size()));
        }
    }

    /// Those of a run.
    public static LogicalDevices of(TrainingConfig training, RunContext context) {
        return new LogicalDevices(
                training.batch().devices(), context.ranks(), training.ranks().zeroStage() > 0);
    }

    public int count() {
        return count;
    }

    public Collective ranks() {
        return ranks;
    }

    /// Whether other processes compute some of the devices.
    public boolean areShared() {
        return ranks.size() > 1;
    }

    /// Whether this process computes a device.
    public boolean isOwn(int device) {
        return owner(device) == ranks.rank();
    }

    /// The rank that computes a device.
    public int owner(int device) {
        return (int) (((device + 1L) * ranks.size() - 1) / count);
    }

    private int first(int rank) {
        return (int) ((long) rank * count / ranks.size());
    }

    /// Has the own devices add to gradients that are 0, and adds up over all devices of all
    /// processes.
    ///
    /// @param space whose gradients hold the sum afterwards, or this process's part of it
    /// @param work adds the gradients of a device; false if it was stopped on the way
    /// @return false if it was stopped
    public boolean addUp(ParameterSpace space, IntPredicate work) {
        return addUp(List.of(space), work);
    }

    /// As above, where a pass adds to several models' gradients.
    public boolean addUp(List<ParameterSpace> spaces, IntPredicate work) {
        int first = first(ranks.rank());
        if (!tree(spaces, work, first, first(ranks.rank() + 1) - first, 0)) {
            return false;
        }
        if (areShared()) {
            spaces.forEach(space -> addRanks(space.gradients()));
        }
        return true;
    }

    private void addRanks(Tensor gradients) {
        if (parted) {
            new RankParts(ranks, gradients.size()).sum(GRADIENTS, gradients);
        } else {
            ranks.allReduce(GRADIENTS, gradients);
        }
    }

    /// A step's report with what it tells of several processes.
    ///
    /// @param tokens of each device
    public StepReport told(StepReport report, long[] tokens) {
        if (!areShared()) {
            return report;
        }
        long[] ofRanks = new long[ranks.size()];
        for (int device = 0; device < count; device++) {
            ofRanks[owner(device)] += tokens[device];
        }
        long most = Math.max(1, LongStream.of(ofRanks).max().orElseThrow());
        double mean = LongStream.of(ofRanks).average().orElseThrow();
        return report.with(MetricKeys.RANKS_BALANCE, mean / most);
    }

    private boolean tree(
            List<ParameterSpace> spaces, IntPredicate work, int first, int devices, int depth) {
        if (devices <= 1) {
            return work.test(first);
        }
        int left = Integer.highestOneBit(devices - 1);
        if (!tree(spaces, work, first, left, depth + 1)) {
            return false;
        }
        for (ParameterSpace space : spaces) {
            kept(space, depth).copyInPlace(space.gradients());
            space.gradients().zeroInPlace();
        }
        if (!tree(spaces, work, first + left, devices - left, depth + 1)) {
            return false;
        }
        for (ParameterSpace space : spaces) {
            space.gradients().addInPlace(kept(space, depth));
        }
        return true;
    }

    private Tensor kept(ParameterSpace space, int depth) {
        return kept.computeIfAbsent(
                new Place(space, depth),
                _ -> {
                    Tensor like = space.gradients();
                    try (var _ = scope.enter()) {
                        return Tensor.zeros(like.device(), like.dtype(), like.size());
                    }
                });
    }

    @Override
    public void close() {
        scope.close();
    }
}
