package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder;
import org.attune.rollout.generation.CacheSlots.Prompt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToIntFunction;

/// Which waiting prompts are read next, in one pass: those that free slots and
/// [CachedDecoder#CHUNK] allow, at least one. Equal prompts in a row are read once.
///
/// @param groups without gaps
record AdmissionPlan(List<Group> groups) {
    /// A prompt that begins like one read in the same pass waits for the next if this many tokens
    /// can be taken over from it then.
    private static final int WORTH_WAITING = 32;

    /// Equal prompts.
    ///
    /// @param first number of the first one, from 0
    record Group(int first, int size) {}

    /// @param prompts in the order of their coming, one for each free slot at most
    /// @param cached how many first tokens of a prompt the cache can give
    /// @param mayCut whether a prompt can take over a part of another
    static AdmissionPlan of(List<Prompt> prompts, ToIntFunction<Prompt> cached, boolean mayCut) {
        List<Group> groups = new ArrayList<>();
        int end = prompts.size();
        int tokens = 0;
        for (int at = 0; at < end; ) {
            Prompt prompt = prompts.get(at);
            int known = cached.applyAsInt(prompt);
            tokens += prompt.ids().length - known;
            if (!groups.isEmpty()
                    && (tokens > CachedDecoder.CHUNK
                            || shared(prompt, prompts, groups, mayCut) >= known + WORTH_WAITING)) {
                break;
            }
            int size = 1;
            while (at + size < end && prompt.isLike(prompts.get(at + size))) {
                size++;
            }
            groups.add(new Group(at, size));
            at += size;
        }
        return new AdmissionPlan(groups);
    }

    /// The most first tokens that the prompt has in common with one of the groups'.
    private static int shared(
            Prompt prompt, List<Prompt> prompts, List<Group> groups, boolean mayCut) {
        int most = 0;
        for (Group group : groups) {
            Prompt first = prompts.get(group.first());
            if (!first.adapter().equals(prompt.adapter())) {
                continue;
            }
            int[] other = first.ids();
            int differs = Arrays.mismatch(prompt.ids(), other);
            if (!mayCut && differs >= 0 && differs < other.length) {
                continue; // what is read of the other goes on where this one differs
            }
            most = Math.max(most, differs < 0 ? prompt.ids().length - 1 : differs);
        }
        return most;
    }

    /// The plan with groups of an adapter one after the other.
    AdmissionPlan sorted(List<Prompt> prompts) {
        return new AdmissionPlan(
                groups.stream()
                        .sorted(Comparator.comparing(g -> prompts.get(g.first()).adapter()))
                        .toList());
    }

    /// Prompts that are read.
    int size() {
        return groups.stream().mapToInt(Group::size).sum();
    }
}
