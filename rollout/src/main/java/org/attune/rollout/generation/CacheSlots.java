package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;

import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.SequencedSet;
import java.util.TreeSet;

/// Which slots of a cache are free, and what prompts can take over from any of them. A free slot
/// keeps its tokens until it is taken.
final class CacheSlots {
    private final KvCache cache;
    private final boolean dense;
    private final SequencedSet<Integer> free;
    private final Lane[] readers; // whose adapter read a slot; null: before this object was made

    /// @param cache what it holds was read by the lane that comes first
    /// @param dense whether the lowest free slot is always taken, so that sequences stand side by
    ///     side; else the one that has been free for longest
    CacheSlots(KvCache cache, boolean dense) {
        this.cache = cache;
        this.dense = dense;
        free = dense ? new TreeSet<>() : new LinkedHashSet<>();
        for (int slot = 0; slot < cache.slots(); slot++) {
            free.add(slot);
        }
        readers = new Lane[cache.slots()];
    }

    int free() {
        return free.size();
    }

    /// Frees a slot.
    void release(int slot) {
        free.add(slot);
    }

    /// Forgets all tokens and frees all slots.
    void clear() {
        for (int slot = 0; slot < cache.slots(); slot++) {
            cache.truncate(slot, 0);
            free.add(slot);
        }
    }

    /// How many first tokens of a prompt a slot can give; at least the last token is left, for its
    /// logits.
    int shared(Lane lane, int[] prompt) {
        return shared(lane, fullest(lane, prompt), prompt);
    }

    private int shared(Lane lane, int slot, int[] prompt) {
        return lane.decoder().mayShare()
                ? Math.min(common(lane, slot, prompt), prompt.length - 1)
                : 0;
    }

    private int common(Lane lane, int slot, int[] prompt) {
        return readers[slot] == null || readers[slot] == lane ? cache.reusable(slot, prompt) : 0;
    }

    /// The slot that shares most with the prompt.
    private int fullest(Lane lane, int[] prompt) {
        int best = 0;
        for (int slot = 1; slot < cache.slots(); slot++) {
            if (common(lane, slot, prompt) > common(lane, best, prompt)) {
                best = slot;
            }
        }
        return best;
    }

    /// Takes a free slot for a prompt and makes it begin with what any slot shares with it.
    ///
    /// @return the tokens left to read
    NewTokens take(Lane lane, int[] prompt) {
        int from = fullest(lane, prompt);
        int known = shared(lane, from, prompt);
        boolean inPlace = !dense && known > 0 && free.remove(from);
        int slot = inPlace ? from : take(lane);
        readers[slot] = lane;
        cache.copy(known > 0 ? from : slot, slot, known);
        return new NewTokens(slot, Arrays.copyOfRange(prompt, known, prompt.length));
    }

    /// Takes a free slot, for a sequence that is to begin like another.
    int take(Lane lane) {
        int slot = free.removeFirst();
        if (readers[slot] != null && readers[slot] != lane) {
            cache.truncate(slot, 0);
        }
        readers[slot] = lane;
        return slot;
    }

    /// Makes slots hold what another holds.
    void copy(int from, List<Integer> to) {
        for (int i = 0; i < to.size(); ) {
            int count = 1;
            while (i + count < to.size() && to.get(i + count) == to.get(i) + count) {
                count++;
            }
            cache.copy(from, to.get(i), count, cache.length(from));
            i += count;
        }
    }
}
