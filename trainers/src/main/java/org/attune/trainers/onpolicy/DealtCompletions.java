package org.attune.trainers.onpolicy;

import org.attune.datasets.examples.PromptExample;
import org.attune.trainers.batch.Dealing;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.onpolicy.CompletionJudge.Completer;
import org.attune.trainers.onpolicy.CompletionJudge.Judged;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Completes the prompts of a round on logical devices, each prompt as often as it is completed on
/// one of them. A completion is judged where it was written. All processes then know the round.
///
/// @param devices borrowed
/// @param judge completes and judges
/// @param longest most tokens of a completion, which says what a prompt costs
public record DealtCompletions(LogicalDevices devices, RoundCompleter judge, int longest) {
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
    Judged of(
            int[] indices, List<PromptExample> prompts, int generations, PartCompleter completer) {
        if (devices.count() == 1) {
            int[] all = IntStream.range(0, indices.length * generations).toArray();
            return judge.of(indices, prompts, generations, completer.of(0, all));
        }
        List<Integer> places = IntStream.range(0, indices.length).boxed().toList();
        List<List<Integer>> dealt =
                Dealing.byCost(
                        places,
                        devices.count(),
                        place ->
                                prompts.get(indices[place]).length()
                                        + (long) generations * longest);
        List<Judged> parts = new ArrayList<>();
        for (int device = 0; device < dealt.size(); device++) {
            List<Integer> own = dealt.get(device);
            Judged part = null;
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
        if (devices.areShared()) {
            tellAll(parts, dealt, indices, prompts, generations);
        }
        GatheredGroups.Place[] order = new GatheredGroups.Place[indices.length];
        for (int device = 0; device < dealt.size(); device++) {
            for (int i = 0; i < dealt.get(device).size(); i++) {
                order[dealt.get(device).get(i)] = new GatheredGroups.Place(parts.get(device), i);
            }
        }
        return judge.joined(GatheredGroups.of(Arrays.asList(order), generations));
    }

    private void tellAll(
            List<Judged> parts,
            List<List<Integer>> dealt,
            int[] indices,
            List<PromptExample> prompts,
            int generations) {
        List<Judged> own = parts.stream().filter(part -> part != null).toList();
        byte[][] said = devices.ranks().allGather("completions", JudgedPart.bytes(own));
        List<JudgedPart> all = new ArrayList<>();
        for (byte[] theirs : said) {
            all.addAll(JudgedPart.read(theirs));
        }
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
