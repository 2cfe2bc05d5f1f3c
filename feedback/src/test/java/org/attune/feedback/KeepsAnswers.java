package org.attune.feedback;

import org.attune.feedback.Judgement.Thumb;

/// A process that keeps answers and judgements in a store, and names each that was kept, until it
/// is killed.
final class KeepsAnswers {
    private KeepsAnswers() {}

    public static void main(String[] args) {
        try (var store = FeedbackStore.open(args[0])) {
            for (int i = 0; ; i++) {
                String id = "a" + i;
                store.record(StoreContract.answer(id, 0, "ann", "?", "x".repeat(i % 50 * 100)));
                store.judge(Judgement.of(id, new Thumb(i % 2 == 0)));
                System.out.println(id);
            }
        }
    }
}
