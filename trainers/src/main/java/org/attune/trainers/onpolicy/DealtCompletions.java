package org.attune.trainers.onpolicy;

import org.attune.rollout.SampledCompletion;
import org.attune.trainers.batch.Dealing;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.onpolicy.CompletionJudge.Completer;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/// Completes the prompts of a round on logical devices, each prompt as often as it is completed on
/// one of them. A completion is judged where it was written. All processes then know the round.
///
/// @param devices borrowed
/// @param judge completes and judges
/// @param longest most tokens of a completion, which says what a prompt costs
record DealtCompletions(LogicalDevices devices, RoundCompleter judge, int longest) {
    /// How a device completes its part of a round.
    @FunctionalInterface
    interface PartCompleter {
        /// @param device from which draws follow
        /// @param places of the part's completions in the round
        Completer of(int device, int[] places);
    }

    /// Completions in the order in which they were asked for.
    ///
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    /// @param generations completions of each
    /// @param completer how a device completes prompts
    JudgedCompletions of(
            int[] indices, List<PromptExample> prompts, int generations, PartCompleter completer) {
        if (devices.count() == 1) {
            int[] all = IntStream.range(0, indices.length * generations).toArray();
            return judge.of(indices, prompts, generations, completer.of(0, all));
        }
        List<List<Integer>> dealt = dealt(indices, prompts, generations);
        List<JudgedCompletions> parts = own(dealt, indices, prompts, generations, completer);
        if (devices.areShared()) {
            byte[] all = tellAll(parts);
            complete(parts, JudgedPart.read(all), dealt, indices, prompts, generations);
        }
        return judge.joined(inOrder(parts, dealt, generations));
    }

    /// Completions as [#read] takes them, of all processes that complete.
    ///
    /// @param indices numbers of the prompts in the data
    /// @param prompts the data
    /// @param generations completions of each
    /// @param completer how a device completes prompts
    byte[] written(
            int[] indices, List<PromptExample> prompts, int generations, PartCompleter completer) {
        List<List<Integer>> dealt = dealt(indices, prompts, generations);
        return tellAll(own(dealt, indices, prompts, generations, completer));
    }

    /// Completions that [#written] gave, by any number of processes, without advantages.
    JudgedCompletions read(
            byte[] written, int[] indices, List<PromptExample> prompts, int generations) {
        return read(written, dealt(indices, prompts, generations), indices, prompts, generations);
    }

    /// Completions as [#read] takes them, of one device, which are there already.
    byte[] ended(
            int[] indices,
            List<PromptExample> prompts,
            int generations,
            List<SampledCompletion> sampled) {
        return JudgedPart.bytes(
                List.of(judge.ofPart().of(indices, prompts, generations, (_, _) -> sampled)));
    }

    /// Completions that were [#written], of which it is known which device wrote which.
    ///
    /// @param dealt places of the prompts on each device
    JudgedCompletions read(
            byte[] written,
            List<List<Integer>> dealt,
            int[] indices,
            List<PromptExample> prompts,
            int generations) {
        List<JudgedCompletions> parts = new ArrayList<>(Collections.nCopies(dealt.size(), null));
        complete(parts, JudgedPart.read(written), dealt, indices, prompts, generations);
        return inOrder(parts, dealt, generations);
    }

    /// Places of the prompts on each device.
    private List<List<Integer>> dealt(int[] indices, List<PromptExample> prompts, int generations) {
        List<Integer> places = IntStream.range(0, indices.length).boxed().toList();
        return devices.count() == 1
                ? List.of(places)
                : Dealing.byCost(
                        places,
                        devices.count(),
                        place ->
                                prompts.get(indices[place]).length()
                                        + (long) generations * longest);
    }

    /// The parts of this process's devices; null for others, and where a device has none.
    private List<JudgedCompletions> own(
            List<List<Integer>> dealt,
            int[] indices,
            List<PromptExample> prompts,
            int generations,
            PartCompleter completer) {
        List<JudgedCompletions> parts = new ArrayList<>();
        for (int device = 0; device < dealt.size(); device++) {
            List<Integer> own = dealt.get(device);
            JudgedCompletions part = null;
            if (devices.isOwn(device) && !own.isEmpty()) {
                int[] asked = own.stream().mapToInt(place -> indices[place]).toArray();
                int[] each =
                        own.stream()
                                .flatMapToInt(
                                        place ->
                                                IntStream.range(
                                                        place * generations,
                                                        (place + 1) * generations))
                                .toArray();
                part = judge.ofPart().of(asked, prompts, generations, completer.of(device, each));
            }
            parts.add(part);
        }
        return parts;
    }

    private static JudgedCompletions inOrder(
            List<JudgedCompletions> parts, List<List<Integer>> dealt, int generations) {
        int prompts = dealt.stream().mapToInt(List::size).sum();
        GatheredGroups.Place[] order = new GatheredGroups.Place[prompts];
        for (int device = 0; device < dealt.size(); device++) {
            for (int i = 0; i < dealt.get(device).size(); i++) {
                order[dealt.get(device).get(i)] = new GatheredGroups.Place(parts.get(device), i);
            }
        }
        return GatheredGroups.of(Arrays.asList(order), generations);
    }

    /// The parts of all processes, in the order of devices.
    private byte[] tellAll(List<JudgedCompletions> parts) {
        byte[] own = JudgedPart.bytes(parts.stream().filter(part -> part != null).toList());
        var all = new ByteArrayOutputStream();
        for (byte[] theirs : devices.ranks().allGather("completions", own)) {
            all.writeBytes(theirs);
        }
        return all.toByteArray();
    }

    /// Puts what is known of other devices into the places that are null.
    private void complete(
            List<JudgedCompletions> parts,
            List<JudgedPart> all,
            List<List<Integer>> dealt,
            int[] indices,
            List<PromptExample> prompts,
            int generations) {
        int next = 0;
        for (int device = 0; device < dealt.size(); device++) {
            if (dealt.get(device).isEmpty()) {
                continue;
            }
            JudgedPart part = all.get(next++);
            if (parts.get(device) == null) {
                int[] theirs =
                        dealt.get(device).stream().mapToInt(place -> indices[place]).toArray();
                parts.set(
                        device,
                        judge.known(
                                AskedPrompts.of(theirs, prompts, generations),
                                part.sampled(),
                                part.table(),
                                generations));
            }
        }
    }
}
