package org.attune.learn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.feedback.GivenAnswer;
import org.attune.feedback.GivenAnswer.Origin;
import org.attune.feedback.GivenAnswer.Usage;
import org.attune.feedback.JudgedAnswer;
import org.attune.feedback.Judgement;
import org.attune.feedback.Judgement.BetterThan;
import org.attune.feedback.Judgement.Corrected;
import org.attune.feedback.Judgement.Opinion;
import org.attune.feedback.Judgement.Score;
import org.attune.feedback.Judgement.Thumb;
import org.junit.jupiter.api.Test;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

class LearnedRowsTest {
    private static GivenAnswer answer(String id, String question, String text) {
        return new GivenAnswer(
                id,
                0,
                Instant.EPOCH,
                "",
                new Origin("helper", "helper", "model", "", ""),
                List.of(Map.of("role", "user", "content", question)),
                List.of(),
                Map.of("role", "assistant", "content", text),
                new Usage(1, 1, "stop"));
    }

    private static JudgedAnswer judged(
            String id, String question, String text, String user, Opinion opinion) {
        return new JudgedAnswer(
                answer(id, question, text),
                new Judgement(id, 0, user, opinion, ""),
                Optional.empty());
    }

    private static JudgedAnswer better(String question, String text, String worse, String user) {
        return new JudgedAnswer(
                answer("b", question, text),
                new Judgement("b", 0, user, new BetterThan("w", 0), ""),
                Optional.of(answer("w", question, worse)));
    }

    /// `good>bad`, `good>` or `>bad` of each item.
    private static Set<String> said(List<JudgedAnswer> judged) {
        return FeedbackItems.of(judged).items().stream()
                .map(i -> text(i.good()) + ">" + text(i.bad()))
                .collect(Collectors.toSet());
    }

    private static String text(Optional<Map<String, Object>> message) {
        return message.map(m -> String.valueOf(m.get("content"))).orElse("");
    }

    private static final Opinion UP = new Thumb(true);
    private static final Opinion DOWN = new Thumb(false);

    @Test
    void judgementsBecomePairsAndLabels() {
        assertEquals(Set.of("x>"), said(List.of(judged("1", "?", "x", "ann", UP))));
        assertEquals(Set.of(">x"), said(List.of(judged("1", "?", "x", "ann", new Score(0.2)))));
        assertEquals(Set.of(), said(List.of(judged("1", "?", "x", "ann", new Score(0.5)))));
        assertEquals(
                Set.of("y>x"),
                said(
                        List.of(
                                judged("1", "?", "x", "ann", DOWN),
                                judged("1", "?", "x", "ann", new Corrected(" y ")))));
        assertEquals(Set.of(), said(List.of(judged("1", "?", "x", "ann", new Corrected("x")))));
        assertEquals(Set.of("a>b"), said(List.of(better("?", "a", "b", "ann"))));
        assertEquals(
                Set.of("x>y"),
                said(List.of(judged("1", "?", "x", "ann", UP), judged("2", "?", "y", "ben", DOWN))),
                "one question, answered twice");
        assertEquals(
                Set.of("x>", ">y"),
                said(
                        List.of(
                                judged("1", "?", "x", "ann", UP),
                                judged("2", "!", "y", "ben", DOWN))));
    }

    @Test
    void whereFewerThanTwoThirdsAgreeNothingIsLearned() {
        List<JudgedAnswer> votes = new ArrayList<>();
        votes.add(judged("1", "?", "x", "ann", UP));
        votes.add(judged("2", "?", "x", "ben", DOWN));
        assertEquals(Set.of(), said(votes));
        assertTrue(
                FeedbackItems.of(votes).notes().toString().contains("\"?\" → \"x\""),
                "the conflict is shown");
        votes.add(judged("3", "?", "x", "ann", DOWN));
        assertEquals(Set.of(">x"), said(votes), "ann has one vote, and changed her mind");
        votes.add(judged("4", "?", "x", "cem", UP));
        assertEquals(Set.of(">x"), said(votes));
        votes.add(judged("5", "?", "x", "dia", UP));
        assertEquals(Set.of(), said(votes));

        List<JudgedAnswer> choices = new ArrayList<>();
        choices.add(better("?", "a", "b", "ann"));
        choices.add(better("?", "b", "a", "ben"));
        assertEquals(Set.of(), said(choices));
        choices.add(better("?", "b", "a", "cem"));
        assertEquals(Set.of("b>a"), said(choices));
    }

    @Test
    void oneWhoCorrectsWhatOthersLikeIsNotBelieved() {
        List<JudgedAnswer> votes = new ArrayList<>();
        votes.add(judged("1", "?", "good", "ann", UP));
        votes.add(judged("1", "?", "good", "ben", UP));
        votes.add(judged("1", "?", "good", "eve", new Corrected("buy my pills")));
        assertFalse(said(votes).contains("buy my pills>good"), said(votes).toString());
    }

    private static List<JudgedAnswer> many(int questions, int users) {
        List<JudgedAnswer> judged = new ArrayList<>();
        for (int i = 0; i < questions; i++) {
            judged.add(
                    judged(
                            "id" + i,
                            "question " + i,
                            "wrong",
                            "user" + i % users,
                            new Corrected("right " + i)));
        }
        return judged;
    }

    private static LearnedRows rows(List<JudgedAnswer> judged) {
        return LearnedRows.of(FeedbackItems.of(judged), Optional.empty(), 0.2, 0.2);
    }

    private static Set<String> topics(List<LearnedItem> items) {
        return items.stream().map(LearnedItem::topic).collect(Collectors.toSet());
    }

    @Test
    void questionsThatAreHeldOutStaySo() {
        List<JudgedAnswer> early = many(200, 20);
        LearnedRows before = rows(early);
        assertEquals("dpo", before.method());
        assertTrue(before.heldOut().size() > 20 && before.heldOut().size() < 65);
        List<JudgedAnswer> late = many(400, 20);
        for (int i = 0; i < 400; i++) { // the conversation goes on
            GivenAnswer first = late.get(i).answer();
            List<Object> messages = new ArrayList<>(first.messages());
            messages.add(first.answer());
            messages.add(Map.of("role", "user", "content", "and now?"));
            late.add(
                    new JudgedAnswer(
                            new GivenAnswer(
                                    "more" + i,
                                    0,
                                    Instant.EPOCH,
                                    "",
                                    first.origin(),
                                    messages,
                                    List.of(),
                                    first.answer(),
                                    first.usage()),
                            new Judgement("more" + i, 0, "user" + i % 20, DOWN, ""),
                            Optional.empty()));
        }
        LearnedRows after = rows(late);
        Set<String> learned = topics(after.train());
        assertTrue(after.heldOut().size() > before.heldOut().size());
        assertTrue(topics(before.heldOut()).stream().noneMatch(learned::contains));
        assertTrue(topics(after.heldOut()).stream().noneMatch(learned::contains));
    }

    @Test
    void whoSaysMuchHasNoMoreThanAShare() {
        List<JudgedAnswer> judged = many(200, 20);
        for (int i = 0; i < 1000; i++) {
            judged.add(judged("spam" + i, "spam " + i, "x", "eve", new Corrected("buy my pills")));
        }
        LearnedRows rows = rows(judged);
        for (List<LearnedItem> side : List.of(rows.train(), rows.heldOut())) {
            Map<String, Integer> counts = new TreeMap<>();
            side.forEach(i -> i.users().forEach(u -> counts.merge(u, 1, Integer::sum)));
            assertTrue(counts.get("eve") <= 0.2 * side.size(), counts.toString());
            assertTrue(counts.get("eve") >= 0.15 * side.size(), counts.toString());
        }
        assertTrue(rows.notes().toString().contains("one user may not say more than"));
    }

    @Test
    void rowsNameTheAnswersThatTheyWereMadeOf() {
        LearnedRows rows = rows(many(200, 20));
        Set<Object> seen = new HashSet<>();
        for (Map<String, Object> row : rows.rows()) {
            assertEquals(Set.of("prompt", "chosen", "rejected", "feedback"), row.keySet());
            seen.addAll((List<?>) row.get("feedback"));
        }
        assertEquals(rows.train().size(), seen.size());
        LearnedRows both =
                LearnedRows.of(FeedbackItems.of(many(200, 20)), Optional.of("kto"), 0.2, 0.2);
        assertEquals(2 * rows.train().size(), both.rows().size());
        assertEquals(
                rows.train().size(),
                both.rows().stream().filter(r -> Boolean.TRUE.equals(r.get("label"))).count());
    }

    @Test
    void shuffledJudgementsAreAsManyAndSayNothing() {
        LearnedRows rows = rows(many(400, 20));
        LearnedRows control = rows.shuffled(1);
        Map<Boolean, Long> byWinner =
                control.train().stream()
                        .collect(
                                Collectors.partitioningBy(
                                        i -> text(i.good()).startsWith("right"),
                                        Collectors.counting()));
        assertEquals(control.train().size() / 2.0, byWinner.get(true), 1);
        for (LearnedItem item : control.train()) {
            String question = item.topic().replace("question ", "");
            assertFalse(text(item.good()).equals("right " + question), item.toString());
        }
        assertEquals(rows.heldOut(), control.heldOut());
    }

    @Test
    void tooLittleAndOneSidedFeedbackIsRefused() {
        assertThrows(DatasetException.class, () -> rows(many(20, 5)));
        List<JudgedAnswer> complaints = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            complaints.add(judged("id" + i, "question " + i, "x", "user" + i % 20, DOWN));
        }
        var wrong = assertThrows(DatasetException.class, () -> rows(complaints));
        assertTrue(wrong.getMessage().contains("all answers were disliked"), wrong.getMessage());
    }

    @Test
    void aCandidateIsBetterOnlyIfNothingElseGotWorse() {
        List<Double> up = steady(0.5);
        List<Double> down = steady(-0.5);
        assertTrue(Comparison.of(up, up, down, Optional.empty()).isBetter());
        assertFalse(Comparison.of(steady(0.01), up, up, Optional.empty()).isBetter(), "chance");
        var ruined = Comparison.of(up, down, steady(-3), Optional.empty());
        assertFalse(ruined.isBetter(), "all answers became unlikely");
        assertTrue(ruined.line().contains("became unlikely"), ruined.line());
        var worse = Comparison.of(down, down, up, Optional.empty());
        assertFalse(Comparison.of(up, up, down, Optional.of(worse)).isBetter(), "the guard");
        assertTrue(Comparison.of(List.of(), up, down, Optional.empty()).isBetter(), "thumbs alone");
        assertThrows(
                DatasetException.class,
                () -> Comparison.of(List.of(1.0), List.of(1.0), List.of(1.0), Optional.empty()));
    }

    /// Values around a mean, of spread 1/4.
    private static List<Double> steady(double mean) {
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            values.add(mean + (i % 2 == 0 ? 0.25 : -0.25));
        }
        return values;
    }

    @Test
    void sidesAreToldApartUserByUser() {
        List<JudgedAnswer> judged = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            String side = i % 2 == 0 ? "helper" : "new";
            boolean isGood = side.equals("new") ? i % 10 != 1 : i % 10 == 0;
            for (int n = 0; n < 3; n++) {
                GivenAnswer plain = answer("id" + i + "-" + n, "?", "x");
                judged.add(
                        new JudgedAnswer(
                                new GivenAnswer(
                                        plain.id(),
                                        0,
                                        plain.time(),
                                        "",
                                        new Origin("helper", side, "model", "", ""),
                                        plain.messages(),
                                        plain.tools(),
                                        plain.answer(),
                                        plain.usage()),
                                new Judgement(plain.id(), 0, "user" + i, new Thumb(isGood), ""),
                                Optional.empty()));
            }
        }
        List<String> lines =
                AnswerSides.lines(
                        Map.of("helper", new TreeMap<>(Map.of("helper", 60L, "new", 60L))), judged);
        assertTrue(lines.get(0).contains("60 judgements of 20 users, 12 good: 0.20"), lines.get(0));
        assertTrue(lines.get(1).contains("48 good: 0.80"), lines.get(1));
        assertTrue(lines.get(2).contains("better than the first, user by user"), lines.get(2));
        assertTrue(lines.get(2).contains("n = 40"), "users count, not judgements: " + lines.get(2));
    }
}
