package org.attune.learn;

import org.attune.feedback.GivenAnswer;
import org.attune.feedback.JudgedAnswer;
import org.attune.feedback.Judgement.BetterThan;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Opinion;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;
import org.attune.json.Json;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What users together said: equal answers to equal conversations are judged as one, each user has
/// one vote, and where fewer than two thirds agree nothing is learned.
///
/// @param items that enough users agree on
/// @param notes what was found, for people
public record FeedbackItems(List<LearnedItem> items, List<String> notes) {
    private static final double AGREED = 2.0 / 3;
    private static final int SHOWN = 3;

    /// What is kept of a message; the rest says nothing to a model.
    private static final List<String> FIELDS =
            List.of("role", "content", "reasoning_content", "tool_calls");

    public FeedbackItems {
        items = List.copyOf(items);
        notes = List.copyOf(notes);
    }

    /// Rows in forms that trainers read: pairs, and single answers with their label.
    public List<Map<String, Object>> rows() {
        return items.stream().map(item -> item.row(item.isPair() ? "dpo" : "kto")).toList();
    }

    /// The votes of users.
    private record Votes(Map<String, Integer> byUser, Set<String> answers) {
        Votes() {
            this(new LinkedHashMap<>(), new HashSet<>());
        }

        void add(String user, int vote, String answer) {
            byUser.put(user, vote);
            answers.add(answer);
        }

        long of(int vote) {
            return byUser.values().stream().filter(v -> v == vote).count();
        }

        /// 1 or −1 where enough users agree, else 0.
        int verdict(long moreDown) {
            double up = of(1);
            double down = of(-1) + moreDown;
            return up >= AGREED * (up + down) ? 1 : down >= AGREED * (up + down) ? -1 : 0;
        }

        Set<String> users(int vote) {
            Set<String> users = new HashSet<>();
            byUser.forEach(
                    (user, own) -> {
                        if (own == vote) {
                            users.add(user);
                        }
                    });
            return users;
        }
    }

    /// What was said in a conversation; answers are texts of JSON.
    ///
    /// @param thumbs of each answer
    /// @param choices of each pair: 1 for the one that comes first in the list
    private record Conversation(
            GivenAnswer any, Map<String, Votes> thumbs, Map<List<String>, Votes> choices) {}

    /// Puts judgements together.
    public static FeedbackItems of(List<JudgedAnswer> judged) {
        Map<String, Conversation> conversations = new LinkedHashMap<>();
        int unused = 0;
        for (JudgedAnswer one : judged) {
            unused += take(conversations, one) ? 0 : 1;
        }
        List<LearnedItem> items = new ArrayList<>();
        List<String> conflicts = new ArrayList<>();
        conversations.values().forEach(c -> settle(c, items, conflicts));
        return new FeedbackItems(items, notes(judged, conflicts, unused));
    }

    /// @return false if the judgement says nothing
    private static boolean take(Map<String, Conversation> conversations, JudgedAnswer one) {
        GivenAnswer answer = one.answer();
        String key = Json.write(List.of(answer.messages(), answer.tools()));
        Conversation conversation =
                conversations.computeIfAbsent(
                        key,
                        _ ->
                                new Conversation(
                                        answer, new LinkedHashMap<>(), new LinkedHashMap<>()));
        String given = clean(answer.answer());
        String user = one.judgement().user();
        Opinion opinion = one.judgement().opinion();
        return switch (opinion) {
            case Thumb(boolean isUp) -> vote(conversation, given, user, isUp ? 1 : -1, answer.id());
            case Score(double value) when value != 0.5 ->
                    vote(conversation, given, user, value > 0.5 ? 1 : -1, answer.id());
            case Score _ -> false;
            case Corrected(String text) ->
                    prefer(conversation, correction(text), given, user, answer.id());
            case BetterThan _ ->
                    one.worse()
                            .filter(worse -> worse.messages().equals(answer.messages()))
                            .map(
                                    worse ->
                                            prefer(
                                                    conversation,
                                                    given,
                                                    clean(worse.answer()),
                                                    user,
                                                    answer.id()))
                            .orElse(false);
        };
    }

    private static String clean(Map<String, Object> message) {
        Map<String, Object> kept = new LinkedHashMap<>();
        for (String field : FIELDS) { // in one order, so that equal messages are equal texts
            Object value = message.get(field);
            if (value != null) {
                kept.put(field, value instanceof String text ? text.strip() : value);
            }
        }
        return Json.write(kept);
    }

    private static String correction(String text) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", "assistant");
        message.put("content", text.strip());
        return Json.write(message);
    }

    private static boolean vote(
            Conversation conversation, String given, String user, int vote, String id) {
        conversation.thumbs().computeIfAbsent(given, _ -> new Votes()).add(user, vote, id);
        return true;
    }

    private static boolean prefer(
            Conversation conversation, String better, String worse, String user, String id) {
        if (better.equals(worse)) {
            return false;
        }
        boolean isFirst = better.compareTo(worse) < 0;
        conversation
                .choices()
                .computeIfAbsent(
                        isFirst ? List.of(better, worse) : List.of(worse, better), _ -> new Votes())
                .add(user, isFirst ? 1 : -1, id);
        return true;
    }

    private static void settle(
            Conversation conversation, List<LearnedItem> items, List<String> conflicts) {
        Map<String, Long> beaten = new HashMap<>(); // users who prefer something to an answer
        Set<String> paired = new HashSet<>();
        List<Settled> pairs = new ArrayList<>();
        conversation
                .choices()
                .forEach(
                        (pair, votes) -> {
                            int verdict = votes.verdict(0);
                            if (verdict == 0) {
                                conflicts.add(shown(conversation, pair.getFirst()));
                                return;
                            }
                            String better = verdict > 0 ? pair.getFirst() : pair.getLast();
                            String worse = verdict > 0 ? pair.getLast() : pair.getFirst();
                            pairs.add(new Settled(better, worse, votes.users(verdict), votes));
                            beaten.merge(worse, votes.of(verdict), Long::sum);
                        });
        for (Settled pair : pairs) {
            Votes liked = conversation.thumbs().getOrDefault(pair.worse(), new Votes());
            if (liked.of(1) > 0 && liked.verdict(beaten.get(pair.worse())) >= 0) {
                conflicts.add(shown(conversation, pair.worse()));
            } else {
                items.add(
                        item(
                                conversation,
                                pair.better(),
                                pair.worse(),
                                pair.users(),
                                pair.votes().answers()));
            }
            paired.add(pair.worse());
        }
        settleThumbs(conversation, paired, items, conflicts);
    }

    private record Settled(String better, String worse, Set<String> users, Votes votes) {}

    /// Liked and disliked answers to one conversation make pairs; what has no partner stays alone.
    private static void settleThumbs(
            Conversation conversation,
            Set<String> paired,
            List<LearnedItem> items,
            List<String> conflicts) {
        List<String> good = new ArrayList<>();
        List<String> bad = new ArrayList<>();
        conversation
                .thumbs()
                .forEach(
                        (answer, votes) -> {
                            int verdict = votes.verdict(0);
                            if (paired.contains(answer)) {
                                return; // what is better than it is known
                            }
                            if (verdict == 0) {
                                conflicts.add(shown(conversation, answer));
                            } else {
                                (verdict > 0 ? good : bad).add(answer);
                            }
                        });
        boolean both = !good.isEmpty() && !bad.isEmpty();
        for (int i = 0; i < Math.max(good.size(), bad.size()); i++) {
            String up = both ? good.get(i % good.size()) : i < good.size() ? good.get(i) : "";
            String down = both ? bad.get(i % bad.size()) : i < bad.size() ? bad.get(i) : "";
            Set<String> users = new HashSet<>();
            Set<String> answers = new HashSet<>();
            for (String answer : List.of(up, down)) {
                if (!answer.isEmpty()) {
                    Votes votes = conversation.thumbs().get(answer);
                    users.addAll(votes.users(votes.verdict(0)));
                    answers.addAll(votes.answers());
                }
            }
            items.add(item(conversation, up, down, users, answers));
        }
    }

    private static LearnedItem item(
            Conversation conversation,
            String good,
            String bad,
            Set<String> users,
            Set<String> answers) {
        return new LearnedItem(
                conversation.any().messages(),
                conversation.any().tools(),
                message(good),
                message(bad),
                users,
                answers);
    }

    @SuppressWarnings("unchecked")
    private static Optional<Map<String, Object>> message(String answer) {
        return answer.isEmpty()
                ? Optional.empty()
                : Optional.of((Map<String, Object>) Json.parse(answer));
    }

    private static String shown(Conversation conversation, String answer) {
        Object question =
                conversation.any().messages().isEmpty()
                        ? ""
                        : conversation.any().messages().getLast();
        Object asked = question instanceof Map<?, ?> map ? map.get("content") : question;
        return "\"%s\" → \"%s\"".formatted(asked, message(answer).orElseThrow().get("content"));
    }

    private static List<Object> key(GivenAnswer answer) {
        return List.of(answer.id(), answer.choice());
    }

    private static List<Object> text(GivenAnswer answer) {
        return List.of(answer.messages(), answer.tools(), clean(answer.answer()));
    }

    private static List<String> notes(
            List<JudgedAnswer> judged, List<String> conflicts, int unused) {
        List<String> notes = new ArrayList<>();
        long users = judged.stream().map(j -> j.judgement().user()).distinct().count();
        notes.add("judgements: %d, of %d users".formatted(judged.size(), users));
        long answers = judged.stream().map(j -> key(j.answer())).distinct().count();
        long texts = judged.stream().map(j -> text(j.answer())).distinct().count();
        if (answers > texts) {
            notes.add("answers that others equal, judged as one with them: " + (answers - texts));
        }
        if (unused > 0) {
            notes.add(
                    "judgements that say nothing (a score of 0.5, a correction that changes"
                            + " nothing, answers to other questions compared): "
                            + unused);
        }
        if (!conflicts.isEmpty()) {
            notes.add(
                    "answers about which fewer than two thirds agree, left out: "
                            + conflicts.size());
            conflicts.stream().limit(SHOWN).forEach(c -> notes.add("  " + c));
        }
        return notes;
    }
}
