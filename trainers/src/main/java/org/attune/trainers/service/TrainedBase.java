package org.attune.trainers.service;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.adapter.LoraConfig;
import org.attune.error.ConfigException;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.ModulePaths;
import org.attune.model.pass.Recomputation;
import org.attune.models.AvailableMemory;
import org.attune.policy.Policy;
import org.attune.policy.StepMemory;
import org.attune.policy.TokenBudget;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/// The frozen weights that several adapters are trained on. A decoder has one place for an adapter
/// that learns, and they take turns in it: the one whose pass comes next is put there. Where ranks
/// and modules are equal that takes copying the adapter; where they aren't, packed copies of the
/// weights are made anew.
///
/// On the engine thread.
final class TrainedBase {
    private static final Logger LOG = LoggerFactory.getLogger(TrainedBase.class);
    private static final int FEWEST_TOKENS = 256;
    /// Of a trained number: value, gradient and two moments, in float32.
    private static final int BYTES = 4 * Float.BYTES;

    private final Decoder decoder;
    private final int length;
    private Optional<Policy> attached = Optional.empty();
    private Optional<Policy> left = Optional.empty(); // closed by its owner, and attached still

    /// How passes over an adapter are made.
    ///
    /// @param tokens computed at once
    record Way(TokenBudget tokens, Recomputation recomputed) {}

    /// @param decoder borrowed; without an adapter
    /// @param length most tokens of a row
    /// @throws ConfigException if it is on a GPU, where decoding keeps addresses of the weights,
    ///     which other columns move
    TrainedBase(Decoder decoder, int length) {
        if (decoder.device().isGpu()) {
            throw new ConfigException(
                    "the model is on %s; adapters are trained call by call on processors only, so start with --device cpu"
                            .formatted(decoder.device()));
        }
        this.decoder = decoder;
        this.length = length;
    }

    Decoder decoder() {
        return decoder;
    }

    int length() {
        return length;
    }

    /// Makes a fresh adapter.
    ///
    /// @throws ConfigException if memory doesn't suffice
    Policy fresh(LoraConfig config, long seed) {
        requireMemory(bytes(config), "an adapter of rank " + config.rank());
        Policy policy =
                Policy.withFreshAdapter(
                        decoder,
                        config,
                        RandomSource.XO_SHI_RO_256_PP.create(seed),
                        new Policy.Options(Recomputation.NONE, false, seed, false));
        takePlace(policy);
        return policy;
    }

    /// Bytes of an adapter with gradients and moments, and with the copies that passes read.
    private long bytes(LoraConfig config) {
        long numbers =
                ModulePaths.of(decoder.config()).linears().entrySet().stream()
                        .filter(linear -> config.match(linear.getKey()).isPresent())
                        .mapToLong(linear -> linear.getValue().out() + linear.getValue().in())
                        .map(sides -> sides * config.rank())
                        .sum();
        return numbers * (BYTES + decoder.dtype().bytes());
    }

    private void requireMemory(long needed, String what) {
        OptionalLong usable = AvailableMemory.usable(decoder.device());
        if (usable.isPresent() && needed > usable.getAsLong()) {
            throw new ConfigException(
                    "%s takes %s MiB with gradients and moments, and %s may be taken; end another training, or ask for a lower rank"
                            .formatted(what, mib(needed), mib(usable.getAsLong())));
        }
    }

    /// Chooses how a policy's passes are made: the fastest way that fits the memory which is there
    /// now.
    ///
    /// @throws ConfigException if none does
    Way way(Policy policy) {
        StepMemory memory = StepMemory.of(policy);
        OptionalLong usable = AvailableMemory.usable(decoder.device());
        for (var recomputed : List.of(Recomputation.NONE, Recomputation.ALL)) {
            for (int t = TokenBudget.DEFAULT_TOKENS; t >= FEWEST_TOKENS; t /= 2) {
                long needed = memory.pass(Math.max(t, length), recomputed);
                if (usable.isEmpty() || needed <= usable.getAsLong()) {
                    LOG.info(
                            "an adapter of {} numbers is trained, up to {} tokens at once: {} MiB"
                                    + " stay taken, and {} MiB more while it learns",
                            memory.trained(),
                            t,
                            mib(memory.trained() * BYTES),
                            mib(needed));
                    return new Way(new TokenBudget(t), recomputed);
                }
            }
        }
        throw new ConfigException(
                "a pass over a row of %d tokens takes %s MiB, and %s may be taken; start the server with a smaller --max-model-len"
                        .formatted(
                                length,
                                mib(memory.pass(length, Recomputation.ALL)),
                                mib(usable.orElse(0))));
    }

    private static String mib(long bytes) {
        return String.format(Locale.ROOT, "%.1f", bytes / (double) (1 << 20));
    }

    /// Puts a policy's adapter where passes of the one that learns find it.
    void attach(Policy policy) {
        if (attached.filter(p -> p == policy).isEmpty()) {
            policy.attachAdapter();
            takePlace(policy);
        }
    }

    private void takePlace(Policy policy) {
        decoder.packDecoding(); // other columns have made other copies
        attached = Optional.of(policy);
        left.ifPresent(Policy::close);
        left = Optional.empty();
    }

    /// Closes a policy; one whose adapter is attached, when another takes its place or at the end.
    void close(Policy policy) {
        if (attached.filter(p -> p == policy).isPresent()) {
            left = Optional.of(policy);
        } else {
            policy.close();
        }
    }

    /// Closes what is left. No pass comes any more.
    void close() {
        left.ifPresent(Policy::close);
        left = Optional.empty();
        attached = Optional.empty();
    }
}
