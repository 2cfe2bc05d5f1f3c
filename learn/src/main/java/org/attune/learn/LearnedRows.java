package org.attune.learn;

import org.attune.auto.AutoPlan;
import org.attune.auto.MappedRows;
import org.attune.error.DatasetException;
import org.attune.text.Tokenizer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// What is learned from feedback, and what is only measured on.
///
/// @param method that learns from it: `sft`, `dpo` or `kto`
/// @param train to learn from
/// @param heldOut to measure on; questions of it are never learned from, whatever comes later
/// @param guard on which an adapter mustn't get worse
/// @param notes what was left out, for people
public record LearnedRows(
        String method,
        List<LearnedItem> train,
        List<LearnedItem> heldOut,
        List<LearnedItem> guard,
        List<String> notes) {
    /// Items that each side must have.
    private static final int FEWEST = 10;

    private static final int MOST_HELD_OUT = 500;

    public LearnedRows {
        train = List.copyOf(train);
        heldOut = List.copyOf(heldOut);
        guard = List.copyOf(guard);
        notes = List.copyOf(notes);
    }

    /// Chooses a method and parts the items.
    ///
    /// @param method empty: what there is most of decides
    /// @param userShare most that one user may have said of what is learned, of 1
    /// @param heldOutShare share of the questions that are held out
    /// @throws DatasetException if there is too little
    public static LearnedRows of(
            FeedbackItems feedback,
            Optional<String> method,
            double userShare,
            double heldOutShare) {
        List<String> notes = new ArrayList<>(feedback.notes());
        List<LearnedItem> train = new ArrayList<>();
        List<LearnedItem> heldOut = new ArrayList<>();
        for (LearnedItem item : feedback.items()) {
            boolean isHeld = LearnedItem.place("held out", item.topic()) < heldOutShare;
            (isHeld ? heldOut : train).add(item);
        }
        train = shared(train, userShare, notes, "to learn from");
        heldOut = shared(heldOut, userShare, notes, "held out");
        String chosen = method.orElseGet(() -> method(feedback.items()));
        List<LearnedItem> rows = suited(chosen, train);
        if (rows.size() < train.size() && !chosen.equals("kto")) {
            notes.add(
                    "items that %s can't learn from: %d"
                            .formatted(chosen, train.size() - rows.size()));
        }
        List<LearnedItem> measured = heldOut.stream().limit(MOST_HELD_OUT).toList();
        require(chosen, rows, measured);
        return new LearnedRows(chosen, rows, measured, List.of(), notes);
    }

    /// These with rows on which an adapter mustn't get worse.
    ///
    /// @param file JSON lines with `prompt`, and `completion` or `chosen` and `rejected`
    /// @throws DatasetException if a line is no such row
    public LearnedRows guarded(Path file) {
        return new LearnedRows(method, train, heldOut, GuardRows.read(file), notes);
    }

    private static String method(List<LearnedItem> items) {
        long pairs = items.stream().filter(LearnedItem::isPair).count();
        long good = items.stream().filter(i -> i.bad().isEmpty()).count();
        if (2 * pairs >= items.size() && pairs > 0) {
            return "dpo";
        }
        return good == items.size() ? "sft" : "kto";
    }

    private static List<LearnedItem> suited(String method, List<LearnedItem> items) {
        return switch (method) {
            case "dpo" -> items.stream().filter(LearnedItem::isPair).toList();
            case "kto" ->
                    items.stream()
                            .flatMap(
                                    i ->
                                            i.isPair()
                                                    ? List.of(
                                                            i.with(i.good(), Optional.empty()),
                                                            i.with(Optional.empty(), i.bad()))
                                                            .stream()
                                                    : List.of(i).stream())
                            .distinct()
                            .toList();
            default -> items.stream().filter(i -> i.good().isPresent()).toList();
        };
    }

    private static void require(String method, List<LearnedItem> train, List<LearnedItem> heldOut) {
        long good = train.stream().filter(i -> i.good().isPresent()).count();
        if (method.equals("kto") && !train.isEmpty() && (good == 0 || good == train.size())) {
            throw new DatasetException(
                    good == 0
                            ? "all answers were disliked, which doesn't say what better ones are;"
                                    + " liked or corrected answers are needed too"
                            : "all answers were liked; with --method sft they are imitated");
        }
        if (train.size() < FEWEST || heldOut.size() < FEWEST) {
            throw new DatasetException(
                    "%d items to learn from and %d held out are too few; %d of each are needed, so wait for more feedback"
                            .formatted(train.size(), heldOut.size(), FEWEST));
        }
    }

    /// Bounds how much of it single users said: who judges a thousand answers has no more weight
    /// than a share of what all say.
    private static List<LearnedItem> shared(
            List<LearnedItem> items, double share, List<String> notes, String what) {
        List<LearnedItem> ordered =
                items.stream().sorted(Comparator.comparingDouble(i -> i.place("order"))).toList();
        Map<String, Integer> counts = new TreeMap<>();
        ordered.forEach(i -> i.users().forEach(u -> counts.merge(u, 1, Integer::sum)));
        if (counts.size() < 2) {
            return ordered;
        }
        int most = most(counts, Math.max(share, 1.0 / counts.size()));
        Map<String, Integer> left = new HashMap<>();
        counts.keySet().forEach(user -> left.put(user, most));
        List<LearnedItem> kept = new ArrayList<>();
        for (LearnedItem item : ordered) {
            String user =
                    item.users().stream().max(Comparator.comparingInt(left::get)).orElseThrow();
            if (left.get(user) > 0) {
                left.merge(user, -1, Integer::sum);
                kept.add(item);
            }
        }
        if (kept.size() < items.size()) {
            notes.add(
                    "items %s, left out since one user may not say more than %d of them: %d"
                            .formatted(what, most, items.size() - kept.size()));
        }
        return kept;
    }

    /// The largest number that is at most a share of what is left when nobody says more than it.
    private static int most(Map<String, Integer> counts, double share) {
        int most = counts.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
        while (most > 1 && most > share * sum(counts, most) + 1e-9) {
            most--;
        }
        return most;
    }

    private static int sum(Map<String, Integer> counts, int most) {
        return counts.values().stream().mapToInt(n -> Math.min(n, most)).sum();
    }

    /// These with the judgements dealt out anew: a control. Labels go to any answers, good answers
    /// to any questions, and which one of a pair is better is drawn.
    public LearnedRows shuffled(long seed) {
        String purpose = "shuffled " + seed;
        List<LearnedItem> order =
                train.stream().sorted(Comparator.comparingDouble(i -> i.place(purpose))).toList();
        List<LearnedItem> dealt = new ArrayList<>();
        long good = train.stream().filter(i -> i.good().isPresent()).count();
        for (int i = 0; i < order.size(); i++) {
            LearnedItem item = order.get(i);
            Optional<Map<String, Object>> other = order.get((i + 1) % order.size()).good();
            dealt.add(
                    switch (method) {
                        case "dpo" ->
                                i % 2 == 0
                                        ? item.with(other, item.bad())
                                        : item.with(item.bad(), other);
                        case "kto" -> labelled(item, i < good);
                        default -> item.with(other, Optional.empty());
                    });
        }
        List<String> more = new ArrayList<>(notes);
        more.add("a control: judgements were dealt out anew");
        return new LearnedRows(method, dealt, heldOut, guard, more);
    }

    private static LearnedItem labelled(LearnedItem item, boolean isGood) {
        Optional<Map<String, Object>> answer = item.good().or(item::bad);
        return item.with(isGood ? answer : Optional.empty(), isGood ? Optional.empty() : answer);
    }

    /// Rows as trainers read them, with the ids of the answers that they were made of.
    public List<Map<String, Object>> rows() {
        return train.stream().map(i -> i.row(method)).toList();
    }

    /// The run that learns from them.
    ///
    /// @param base name or path of the base model
    /// @param start adapter to start from; empty: a fresh one
    /// @param folder of the run
    public AutoPlan plan(String base, String start, Path folder, Optional<Tokenizer> tokenizer) {
        List<Map<String, Object>> measured =
                suited(method, heldOut).stream().map(i -> i.row(method)).toList();
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("unused_columns", "ignore");
        // The best checkpoint by what is held out would be judged by what it was chosen with.
        keys.put("load_best_model_at_end", false);
        if (measured.isEmpty()) {
            keys.put("eval_datasets", null);
            keys.put("eval_strategy", "no");
        }
        if (method.equals("dpo")) {
            keys.put("loss_type", List.of("sigmoid", "sft")); // good answers stay likely
            keys.put("loss_weights", List.of(1.0, 1.0));
        }
        if (!start.isEmpty()) {
            keys.put("adapter_name_or_path", start);
            for (String key : List.of("lora_r", "lora_alpha", "lora_target_modules")) {
                keys.put(key, null);
            }
        }
        List<Map<String, Object>> plain =
                rows().stream().map(LearnedRows::withoutIds).toList(); // which no token spells
        var sized =
                AutoPlan.of(
                        new MappedRows(method, plain, List.of(), notes),
                        base,
                        folder,
                        true,
                        tokenizer);
        var rows = new MappedRows(method, rows(), measured, notes);
        return new AutoPlan(rows, base, folder, true, sized.longest(), keys);
    }

    private static Map<String, Object> withoutIds(Map<String, Object> row) {
        Map<String, Object> plain = new LinkedHashMap<>(row);
        plain.remove("feedback");
        return plain;
    }
}
