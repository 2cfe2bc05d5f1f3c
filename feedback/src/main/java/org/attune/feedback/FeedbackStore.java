package org.attune.feedback;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.AttuneException;
import org.attune.error.ConfigException;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/// What was asked, what was answered, and how it was judged, in a database. What a method wrote is
/// on the disk when it returns. Thread-safe; several processes may use one store.
/// ```
/// try (var store = FeedbackStore.open("feedback.db")) {
///     store.record(answer);
///     store.judge(Judgement.of(answer.id(), new Judgement.Thumb(true)));
/// }
/// ```
@Api(EXPERIMENTAL)
public final class FeedbackStore implements AutoCloseable {
    private final Database database;
    private final Redaction redaction;

    private FeedbackStore(Database database, Redaction redaction) {
        this.database = database;
        this.redaction = redaction;
    }

    /// Opens a store, and makes it if it isn't there.
    ///
    /// @param place a file (SQLite), or `postgresql://USER:PASSWORD@HOST/DATABASE`; a password may
    ///     also stand in `~/.pgpass`
    /// @throws ConfigException if it can't be opened
    public static FeedbackStore open(String place) {
        return open(place, UnaryOperator.identity());
    }

    /// Opens a store that changes texts before it keeps them, and makes it if it isn't there.
    ///
    /// @param place a file (SQLite), or `postgresql://USER:PASSWORD@HOST/DATABASE`
    /// @param redaction made to every text of messages, answers, corrections and notes, but for
    ///     roles, types and ids, from any thread. Where it throws, nothing is kept
    /// @throws ConfigException if it can't be opened
    public static FeedbackStore open(String place, UnaryOperator<String> redaction) {
        return new FeedbackStore(Database.open(place), new Redaction(redaction));
    }

    /// Keeps an answer, so that it can be judged.
    public void record(GivenAnswer answer) {
        record(List.of(answer));
    }

    /// Keeps the answers of a response, all or none.
    public void record(List<GivenAnswer> answers) {
        List<GivenAnswer> kept = answers.stream().map(redaction::of).toList();
        database.call(
                connection -> {
                    for (GivenAnswer answer : kept) {
                        AnswerTable.insert(connection, answer);
                    }
                    return null;
                });
    }

    /// Keeps a judgement. It counts once: a later one of the same kind, of the same user and
    /// answer, takes its place.
    ///
    /// @return false if there is no such answer, or none that it is better than
    public boolean judge(Judgement judgement) {
        return judge(List.of(judgement));
    }

    /// Keeps several judgements, all or none.
    ///
    /// @return false if there is no such answer, or none that it is better than
    public boolean judge(List<Judgement> judgements) {
        List<Judgement> kept = judgements.stream().map(redaction::of).toList();
        return database.call(
                connection -> {
                    List<String> users = new ArrayList<>();
                    for (Judgement judgement : kept) {
                        Optional<String> asker = JudgementTable.asker(connection, judgement);
                        if (asker.isEmpty()) {
                            return false;
                        }
                        users.add(judgement.user().isEmpty() ? asker.get() : judgement.user());
                    }
                    for (int i = 0; i < kept.size(); i++) {
                        JudgementTable.insert(connection, kept.get(i), users.get(i));
                    }
                    return true;
                });
    }

    /// All judgements with their answers, by the answers' time.
    ///
    /// @param model the name that was asked for; empty: any
    public List<JudgedAnswer> judged(Optional<String> model) {
        String query =
                "select %s, j.user_name as judge, kind, other_id, other_choice, score, corrected,"
                        + " note, %s from judgements j join answers a on a.id = j.id and a.choice ="
                        + " j.choice left join answers o on o.id = j.other_id and o.choice ="
                        + " j.other_choice%s order by a.made_at, a.id, a.choice, j.user_name, kind,"
                        + " other_id, other_choice";
        String where = model.isPresent() ? " where a.model = ?" : "";
        return database.rows(
                JudgementTable::judged,
                query.formatted(AnswerTable.columns("a"), AnswerTable.columns("o"), where),
                model.stream().toArray());
    }

    /// How many answers there are, by the name that was asked for and what answered.
    public Map<String, Map<String, Long>> answers() {
        Map<String, Map<String, Long>> counts = new LinkedHashMap<>();
        database.rows(
                row ->
                        counts.computeIfAbsent(row.getString(1), _ -> new LinkedHashMap<>())
                                .put(row.getString(2), row.getLong(3)),
                "select model, answered_by, count(*) from answers group by model, answered_by"
                        + " order by model, answered_by");
        return counts;
    }

    /// The newest answer to a name, which says what its base model is.
    public Optional<GivenAnswer> newest(String model) {
        return database
                .rows(
                        row -> AnswerTable.answer(row, "a_"),
                        "select %s from answers a where model = ? order by made_at desc limit 1"
                                .formatted(AnswerTable.columns("a")),
                        model)
                .stream()
                .findFirst();
    }

    /// Removes all that is known of a user: questions, answers to them, and judgements.
    ///
    /// @return the ids of the answers that were removed or had been judged by the user
    public List<String> forget(String user) {
        if (user.isEmpty()) {
            throw new ConfigException("--forget needs the name of a user");
        }
        List<String> touched =
                database.rows(
                        row -> row.getString(1),
                        "select id from answers where user_name = ? union select id from judgements"
                                + " where user_name = ?",
                        user,
                        user);
        database.call(
                connection -> {
                    Database.update(connection, "delete from judgements where user_name = ?", user);
                    return Database.update(
                            connection, "delete from answers where user_name = ?", user);
                });
        database.forgetDeleted();
        return touched;
    }

    /// Removes answers from before a time, with their judgements.
    ///
    /// @return the ids of the answers that were removed
    public List<String> forgetBefore(Instant time) {
        List<String> old =
                database.rows(
                        row -> row.getString(1),
                        "select distinct id from answers where made_at < ?",
                        time.toEpochMilli());
        database.call(
                connection ->
                        Database.update(
                                connection,
                                "delete from answers where made_at < ?",
                                time.toEpochMilli()));
        database.forgetDeleted();
        return old;
    }

    /// The release that is in force for each name, if there ever was one.
    public Map<String, Release> current() {
        Map<String, Release> newest = new LinkedHashMap<>();
        releases().forEach(release -> newest.put(release.model(), release));
        return newest;
    }

    /// All releases and rollbacks, the oldest first.
    public List<Release> releases() {
        return ReleaseTable.all(database);
    }

    /// Lets an adapter in.
    ///
    /// @param model the name that requests ask for
    /// @param adapter its folder
    /// @param expected the number of the release that it was compared with; 0: there was none
    /// @param evidence why
    /// @throws AttuneException if another release has come into force since then
    public Release release(String model, String adapter, int expected, String evidence) {
        int inForce = Optional.ofNullable(current().get(model)).map(Release::number).orElse(0);
        if (inForce != expected) {
            throw new AttuneException(
                    "release %d came into force for %s while its successor was made; learn again"
                            .formatted(inForce, model));
        }
        return ReleaseTable.insert(database, model, adapter, inForce, evidence);
    }

    /// Goes back to the release before the one in force.
    ///
    /// @throws ConfigException if nothing was let in
    public Release rollback(String model) {
        Release now =
                Optional.ofNullable(current().get(model))
                        .filter(release -> !release.isStart())
                        .orElseThrow(
                                () ->
                                        new ConfigException(
                                                "nothing has been let in for %s, so there is nothing to go back to"
                                                        .formatted(model)));
        Optional<Release> before =
                releases().stream().filter(r -> r.number() == now.replaces()).findFirst();
        return ReleaseTable.insert(
                database,
                model,
                before.map(Release::adapter).orElse(""),
                before.map(Release::replaces).orElse(0),
                "rollback of release " + now.number());
    }

    @Override
    public void close() {
        database.close();
    }
}
