package org.attune.trainers.memory;

import org.attune.rollout.generation.GenerationMemory;

import java.util.Locale;
import java.util.Optional;

/// Plans how many sequences are generated at once: as many as asked for, or as fit the memory.
/// Which tokens a sequence gets doesn't depend on it but for rounding.
///
/// @param slots sequences at once
/// @param bytes that this takes beside what is resident now
/// @param fits whether that fits by the estimate; unknown memory counts as enough
/// @param explanation what was chosen and why, for the log
public record RolloutPlan(int slots, long bytes, boolean fits, String explanation) {
    private static final double GIB = 1L << 30;

    /// What is asked for.
    ///
    /// @param memory says what it takes
    /// @param slots most sequences at once, ≥ 1
    /// @param sequences how many there are, ≥ 1
    /// @param kept what could be kept for the backward pass
    public record Wish(
            GenerationMemory memory, int slots, int sequences, KeptActivations.Wish kept) {
        /// A wish for `count` models that read side by side.
        public Wish ofModels(int count) {
            return new Wish(memory.ofModels(count), slots, sequences, kept);
        }

        /// A wish for as many sequences at once at least, all of which get tokens: what ends first
        /// must not depend on memory.
        public Wish ofPlaces(int count) {
            return new Wish(memory, Math.max(slots, count), sequences, kept);
        }

        public Wish withKept(KeptActivations.Wish activations) {
            return new Wish(memory, slots, sequences, activations);
        }
    }

    /// Takes the most sequences that fit, of what is asked for, half of it, and so on.
    ///
    /// @param limit empty if unknown
    static RolloutPlan choose(Wish wish, Optional<MemoryLimit> limit) {
        int slots = wish.slots();
        while (slots > 1 && !fits(bytes(wish, slots), limit)) {
            slots = Math.max(1, Math.min(slots, wish.sequences()) / 2);
        }
        long bytes = bytes(wish, slots);
        String explanation =
                String.format(
                        Locale.ROOT,
                        "generating up to %d of %d sequences at once (prompts of %d tokens at most,"
                                + " %d new ones): about %.2f GiB, %.2f of it their keys and values,"
                                + " of %s",
                        slots,
                        wish.slots(),
                        wish.memory().longestPrompt(),
                        wish.memory().newTokens(),
                        bytes / GIB,
                        wish.memory().cache(Math.min(slots, wish.sequences())) / GIB,
                        limit.map(MemoryLimit::toString).orElse("unknown memory"));
        return new RolloutPlan(slots, bytes, fits(bytes, limit), explanation);
    }

    private static long bytes(Wish wish, int slots) {
        return wish.memory().bytes(Math.min(slots, wish.sequences()));
    }

    private static boolean fits(long bytes, Optional<MemoryLimit> limit) {
        return limit.isEmpty() || bytes <= limit.get().bytes();
    }
}
