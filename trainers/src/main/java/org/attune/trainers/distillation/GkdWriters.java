package org.attune.trainers.distillation;

import org.attune.error.StopRequest;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.RoundPart;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.source.CompletionBytes;
import org.attune.trainers.batch.Dealing;
import org.attune.trainers.loop.LogicalDevices;
import org.attune.trainers.loop.PhaseClock;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/// Who writes completions in a run of GKD, apart from those of the data. Prompts are dealt among
/// devices; all processes then know all completions.
///
/// @param student completes prompts with its weights as they are; given where `lmbda` > 0
/// @param teacher the same of the teacher; given with `seq_kd`
/// @param devices among which prompts are dealt; borrowed
/// @param longest most tokens of a completion, which says what a prompt costs
/// @param clock counts the time
record GkdWriters(
        Optional<RolloutSource> student,
        Optional<RolloutSource> teacher,
        LogicalDevices devices,
        int longest,
        PhaseClock clock) {
    /// Completions of a step's prompts by the student; none of none.
    List<SampledCompletion> byStudent(List<RolloutPrompt> prompts, int step) {
        return written(prompts, student, 2L * step);
    }

    /// Completions of a step's prompts by the teacher; none of none.
    List<SampledCompletion> byTeacher(List<RolloutPrompt> prompts, int step) {
        return written(prompts, teacher, 2L * step + 1);
    }

    private List<SampledCompletion> written(
            List<RolloutPrompt> prompts, Optional<RolloutSource> writer, long round) {
        if (prompts.isEmpty()) {
            return List.of();
        }
        StopRequest.check();
        return clock.timed("rollout", () -> dealt(prompts, writer.orElseThrow(), round));
    }

    private List<SampledCompletion> dealt(
            List<RolloutPrompt> prompts, RolloutSource writer, long round) {
        var ended = new AtomicInteger();
        FinishedListener told = (_, _) -> clock.completed(ended.incrementAndGet(), prompts.size());
        List<List<Integer>> places =
                Dealing.byCost(
                        IntStream.range(0, prompts.size()).boxed().toList(),
                        devices.count(),
                        place -> (long) prompts.get(place).ids().length + longest);
        List<SampledCompletion> own = new ArrayList<>();
        for (int device = 0; device < places.size(); device++) {
            if (devices.isOwn(device) && !places.get(device).isEmpty()) {
                List<RolloutPrompt> asked = places.get(device).stream().map(prompts::get).toList();
                int[] each = places.get(device).stream().mapToInt(place -> place).toArray();
                var part = new RoundPart(round, device, devices.count(), prompts.size(), each);
                own.addAll(writer.completePart(asked, part, told));
            }
        }
        var inOrder = new SampledCompletion[prompts.size()];
        int next = 0;
        List<SampledCompletion> all = devices.areShared() ? ofAll(own) : own;
        for (List<Integer> part : places) {
            for (int place : part) {
                inOrder[place] = all.get(next++);
            }
        }
        return Arrays.asList(inOrder);
    }

    private List<SampledCompletion> ofAll(List<SampledCompletion> own) {
        List<SampledCompletion> all = new ArrayList<>();
        for (byte[] theirs : devices.ranks().allGather("completions", CompletionBytes.of(own))) {
            all.addAll(CompletionBytes.read(theirs));
        }
        return all;
    }
}
