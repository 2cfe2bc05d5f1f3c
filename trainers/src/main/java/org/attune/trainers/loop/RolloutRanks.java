package org.attune.trainers.loop;

import org.attune.error.ConfigException;
import org.attune.policy.ParameterSpace;
import org.attune.ranks.Collective;
import org.attune.ranks.ServingCollective;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.ByteBuffer;
import java.util.Optional;

/// The last processes of a job, which only write completions, as all processes see them. Those
/// that train say what is to be done: begin a round with these weights, tell the one that was
/// begun, end.
public final class RolloutRanks implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RolloutRanks.class);

    private static final int BEGIN = 1;
    private static final int TELL = 2;
    private static final int END = 3;
    private static final String LEFT = "completions under way";

    private final Collective all;
    private final Collective own;
    private final int first;

    private RolloutRanks(Collective all, int first) {
        this.all = all;
        this.first = first;
        own = all.part(all.rank() < first ? 0 : 1);
    }

    /// Parts the processes of a run. All of them make this call.
    ///
    /// @param ranks processes of the run; borrowed
    /// @param writers how many only write
    /// @return empty if all processes do both
    /// @throws ConfigException if none would be left to train, or ranks hold weights in parts
    public static Optional<RolloutRanks> of(Collective ranks, int writers) {
        if (writers == 0) {
            return Optional.empty();
        }
        if (ranks.size() == 1) {
            LOG.info("rollout_ranks: {} has no effect in a run of one process", writers);
            return Optional.empty();
        }
        if (ranks instanceof ServingCollective) {
            throw ConfigException.about(
                    "zero_stage",
                    "0 to 2 with rollout_ranks: with 3 all ranks give each other weights, and those"
                            + " that only write completions don't wait for the others");
        }
        if (writers >= ranks.size()) {
            throw ConfigException.about(
                    "rollout_ranks",
                    "%d, but %d ranks were started, of which at least one has to train; accepted: up to %d"
                            .formatted(writers, ranks.size(), ranks.size() - 1));
        }
        return Optional.of(new RolloutRanks(ranks, ranks.size() - writers));
    }

    /// Surroundings whose processes are those that do the same as this one.
    public RunContext in(RunContext context) {
        return context.withRanks(own).withRolloutRanks(this);
    }

    /// All processes of the run.
    public Collective all() {
        return all;
    }

    /// Whether this process only writes.
    public boolean isOne() {
        return all.rank() >= first;
    }

    /// Has a round written. Called by all that train.
    ///
    /// @param left what the round before left under way
    /// @param weights to write with
    public void begin(long round, byte[] left, ParameterSpace weights) {
        command(BEGIN, round);
        all.allGather(LEFT, all.rank() == 0 ? left : new byte[0]);
        send(weights);
    }

    /// Writes rounds.
    public interface Writer {
        /// @param left what the round before left under way
        /// @return the round, as it is told
        byte[] write(long round, byte[] left);
    }

    /// A round that was written.
    ///
    /// @param seconds that it took
    /// @param waited seconds that this process waited
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Told(byte[] bytes, double seconds, double waited) {}

    /// Waits for the round that was begun. Called by all that train.
    public Told collect() {
        long begun = System.nanoTime();
        command(TELL);
        var told = ByteBuffer.wrap(all.allGather("completions", new byte[0])[first]);
        double seconds = told.getDouble();
        byte[] bytes = new byte[told.remaining()];
        told.get(bytes);
        return new Told(bytes, seconds, (System.nanoTime() - begun) / 1e9);
    }

    /// Lets them go. Called by all that train.
    public void end() {
        command(END);
    }

    private double[] command(double... words) {
        return all.allGather("work of rollout ranks", words)[0];
    }

    private void send(ParameterSpace weights) {
        all.broadcast("weights that write", weights.values(), 0);
    }

    /// Does what the others say until they let this process go.
    ///
    /// @param weights of this process's policy, which follow theirs
    /// @param writer writes a round
    public void serve(ParameterSpace weights, Writer writer) {
        byte[] written = {};
        while (true) {
            double[] said = command();
            switch ((int) said[0]) {
                case BEGIN -> {
                    byte[] left = all.allGather(LEFT, new byte[0])[0];
                    send(weights);
                    weights.valuesChanged();
                    written = timed(writer, (long) said[1], left);
                }
                case TELL -> {
                    byte[] told = own.rank() == 0 ? written : new byte[0];
                    all.allGather("completions", told);
                }
                default -> {
                    return;
                }
            }
        }
    }

    private static byte[] timed(Writer writer, long round, byte[] left) {
        long begun = System.nanoTime();
        byte[] bytes = writer.write(round, left);
        return ByteBuffer.allocate(Double.BYTES + bytes.length)
                .putDouble((System.nanoTime() - begun) / 1e9)
                .put(bytes)
                .array();
    }

    @Override
    public void close() {
        own.close();
    }
}
