package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder.NewTokens;
import org.attune.model.decode.KvCache;
import org.attune.model.layer.Adapter;

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

    /// @param dense whether the lowest free slot is always taken, so that sequences stand side by
    ///     side; else the one that has been free for longest
    CacheSlots(KvCache cache, boolean dense) {
        this.cache = cache;
        this.dense = dense;
        free = dense ? new TreeSet<>() : new LinkedHashSet<>();
        for (int slot = 0; slot < cache.slots(); slot++) {
            free.add(slot);
        }
    }

    /// A prompt.
    ///
    /// @param adapter by which it is read
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    record Prompt(Adapter adapter, int[] ids) {
        static Prompt of(Ticket live) {
            return new Prompt(live.adapter(), live.sequence().all());
        }

        boolean isLike(Prompt other) {
            return adapter.equals(other.adapter) && Arrays.equals(ids, other.ids);
        }
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
    int shared(Lane lane, Prompt prompt) {
        return shared(lane, fullest(prompt), prompt);
    }

    private int shared(Lane lane, int slot, Prompt prompt) {
        return lane.decoder().mayShare()
                ? lane.decoder()
                        .whole(
                                prompt.ids(),
                                Math.min(common(slot, prompt), prompt.ids().length - 1))
                : 0;
    }

    private int common(int slot, Prompt prompt) {
        return cache.adapter(slot).equals(prompt.adapter())
                ? cache.reusable(slot, prompt.ids())
                : 0;
    }

    /// The slot that shares most with the prompt.
    private int fullest(Prompt prompt) {
        int best = 0;
        for (int slot = 1; slot < cache.slots(); slot++) {
            if (common(slot, prompt) > common(best, prompt)) {
                best = slot;
            }
        }
        return best;
    }

    /// Takes a free slot for a prompt and makes it begin with what any slot shares with it.
    ///
    /// @return the tokens left to read
    NewTokens take(Lane lane, Prompt prompt) {
        int from = fullest(prompt);
        int known = shared(lane, from, prompt);
        boolean inPlace = !dense && known > 0 && free.remove(from);
        int slot = inPlace ? from : take();
        cache.copy(known > 0 ? from : slot, slot, known);
        if (known == 0) {
            cache.assign(slot, prompt.adapter());
        }
        int[] ids = prompt.ids();
        return new NewTokens(slot, Arrays.copyOfRange(ids, known, ids.length));
    }

    /// Takes a free slot, for a sequence that is to hold what another does.
    int take() {
        return free.removeFirst();
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
