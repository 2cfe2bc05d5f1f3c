package org.attune.rollout.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.model.decode.CachedDecoder;
import org.attune.model.layer.Adapter;
import org.attune.rollout.generation.AdmissionPlan.Group;
import org.attune.rollout.generation.CacheSlots.Prompt;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

final class AdmissionPlanTest {
    private static Prompt filled(int length, int id) {
        int[] ids = new int[length];
        Arrays.fill(ids, id);
        return new Prompt(Adapter.OFF, ids);
    }

    private static Prompt beginning(int shared, int last) {
        Prompt prompt = filled(shared + 1, 1);
        prompt.ids()[shared] = last;
        return prompt;
    }

    private static List<Group> groups(List<Prompt> prompts, int waiting, int free) {
        List<Prompt> next = prompts.subList(waiting, Math.min(prompts.size(), waiting + free));
        return AdmissionPlan.of(next, _ -> 0, true).groups();
    }

    @Test
    void equalPromptsInARowAreOneGroupAsFarAsThereIsRoom() {
        List<Prompt> prompts = new ArrayList<>();
        prompts.addAll(Collections.nCopies(3, filled(4, 1)));
        prompts.addAll(Collections.nCopies(3, filled(4, 2)));
        assertEquals(List.of(new Group(0, 3), new Group(3, 2)), groups(prompts, 0, 5));
        assertEquals(List.of(new Group(0, 1), new Group(1, 3)), groups(prompts, 2, 9));
    }

    @Test
    void onePassReadsALimitedNumberOfTokensButAlwaysOnePrompt() {
        int half = CachedDecoder.CHUNK / 2;
        List<Prompt> prompts =
                List.of(filled(half, 1), filled(half, 2), filled(1, 3), filled(9 * half, 4));
        assertEquals(List.of(new Group(0, 1), new Group(1, 1)), groups(prompts, 0, 9));
        assertEquals(List.of(new Group(0, 1)), groups(prompts, 2, 9));
        assertEquals(List.of(new Group(0, 1)), groups(prompts, 3, 9));
    }

    /// What both share is read once: by the first, and taken from the cache by the second.
    @Test
    void aPromptThatBeginsLikeAnotherWaitsForItUnlessTheCacheHasTheBeginning() {
        List<Prompt> prompts = List.of(beginning(60, 2), beginning(60, 3), beginning(5, 4));
        assertEquals(List.of(new Group(0, 1)), groups(prompts, 0, 9));
        assertEquals(3, AdmissionPlan.of(prompts, p -> p.ids().length - 1, true).groups().size());
    }

    /// Only a prompt that goes on behind a whole other one can take it over then.
    @Test
    void withoutCutsAPromptWaitsForAWholeOtherOneOnly() {
        List<Prompt> alike = List.of(beginning(60, 2), beginning(60, 3));
        assertEquals(2, AdmissionPlan.of(alike, _ -> 0, false).groups().size());
        List<Prompt> behind = List.of(filled(60, 1), beginning(60, 3));
        assertEquals(1, AdmissionPlan.of(behind, _ -> 0, false).groups().size());
    }
}
