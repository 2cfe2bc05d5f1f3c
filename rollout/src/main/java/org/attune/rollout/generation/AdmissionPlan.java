package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;

/// Which waiting prompts are read next, in one pass: those that free slots and
/// [CachedDecoder#CHUNK] allow, at least one. Equal prompts in a row are read once.
///
/// @param groups in the prompts' order, without gaps
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
    static AdmissionPlan of(List<int[]> prompts, ToIntFunction<int[]> cached) {
        List<Group> groups = new ArrayList<>();
        int end = prompts.size();
        int tokens = 0;
        for (int at = 0; at < end; ) {
            int[] prompt = prompts.get(at);
            int known = cached.applyAsInt(prompt);
            tokens += prompt.length - known;
            if (!groups.isEmpty()
                    && (tokens > CachedDecoder.CHUNK
                            || shared(prompt, prompts, groups) >= known + WORTH_WAITING)) {
                break;
            }
            int size = 1;
            while (at + size < end && Arrays.equals(prompt, prompts.get(at + size))) {
                size++;
            }
            groups.add(new Group(at, size));
            at += size;
        }
        return new AdmissionPlan(groups);
    }

    /// The most first tokens that the prompt has in common with one of the groups'.
    private static int shared(int[] prompt, List<int[]> prompts, List<Group> groups) {
        int most = 0;
        for (Group group : groups) {
            int differs = Arrays.mismatch(prompt, prompts.get(group.first()));
            most = Math.max(most, differs < 0 ? prompt.length - 1 : differs);
        }
        return most;
    }

    /// Prompts that are read.
    int size() {
        return groups.stream().mapToInt(Group::size).sum();
    }
}
