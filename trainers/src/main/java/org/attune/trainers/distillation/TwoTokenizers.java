package org.attune.trainers.distillation;

import org.attune.error.ConfigException;
import org.attune.model.config.DecoderConfig;
import org.attune.policy.Divergence;
import org.attune.policy.HeadTerm;
import org.attune.policy.HeadTerm.Aligned;
import org.attune.policy.HeadTerm.Read;
import org.attune.text.Tokenizer;
import org.attune.trainers.examples.CompletionExample;
import org.attune.trainers.layout.CompletionForest;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/// How a student's completions are read by a teacher with another tokenizer, as in TRL's GOLD: the
/// texts of prompt and completion, as the student's template and tokenizer have them, become the
/// teacher's tokens, with its EOS behind them.
///
/// @param student tokenizer, borrowed
/// @param teacher likewise
/// @param config how spans are compared
/// @param beta β of the divergence of tokens that both have
record TwoTokenizers(Tokenizer student, Tokenizer teacher, UldConfig config, double beta) {
    /// How a run compares models of these vocabularies.
    DistilledRows.Across across(DecoderConfig ofStudent, DecoderConfig ofTeacher) {
        return new DistilledRows.Across(
                this,
                new StudentObjective.AcrossTerms(
                        rule(ofStudent.vocabSize(), ofTeacher.vocabSize()),
                        config.uldDistillationWeight(),
                        config.uldCrossentropyWeight()));
    }

    /// @param studentSize number of tokens that the student predicts
    /// @param teacherSize likewise
    private HeadTerm.SpanRule rule(int studentSize, int teacherSize) {
        return new HeadTerm.SpanRule(
                isBayesian(),
                config.uldStudentTemperature(),
                config.uldTeacherTemperature(),
                config.uldUseHybridLoss()
                        ? Optional.of(matched(studentSize, teacherSize))
                        : Optional.empty());
    }

    private boolean isBayesian() {
        return config.uldTokenMergeStrategy() == UldConfig.Merge.BAYESIAN;
    }

    private HeadTerm.Matched matched(int studentSize, int teacherSize) {
        IntStream.Builder own = IntStream.builder();
        IntStream.Builder theirs = IntStream.builder();
        int most = Math.min(teacherSize, teacher.vocabularySize());
        for (int id = 0; id < most; id++) {
            String token = teacher.token(id);
            if (token != null && teacher.id(token).orElse(-1) == id) {
                OptionalInt same = student.id(token);
                if (same.isPresent() && same.getAsInt() < studentSize) {
                    own.add(same.getAsInt());
                    theirs.add(id);
                }
            }
        }
        int[] ids = theirs.build().toArray();
        if (ids.length == 0) {
            throw ConfigException.about(
                    "uld_use_hybrid_loss",
                    "true, and no token is in both vocabularies; accepted: false");
        }
        double share = (double) ids.length / teacherSize;
        return new HeadTerm.Matched(
                own.build().toArray(),
                ids,
                Divergence.of(beta),
                config.uldHybridMatchedWeight().orElse(share),
                config.uldHybridUnmatchedWeight().orElse(1 - share));
    }

    /// A row whose completion is given.
    StudentRow given(CompletionExample row) {
        return row(
                row.tokens().promptIds(),
                row.tokens().completionIds(),
                row.texts().orElseThrow(),
                false,
                row.origin().where());
    }

    /// A row whose completion the student has written.
    StudentRow written(CompletionForest.Row row, String origin) {
        var texts =
                new CompletionExample.Texts(
                        student.decode(row.prompt(), false),
                        student.decode(row.completion(), false),
                        false);
        return row(row.prompt(), row.completion(), texts, true, origin);
    }

    private StudentRow row(
            int[] prompt,
            int[] completion,
            CompletionExample.Texts texts,
            boolean byStudent,
            String origin) {
        int[] asked = teacher.encode(texts.prompt(), true);
        int eos = teacher.eosId().orElse(-1);
        int last = asked.length - 1;
        if (last >= 0 && asked[last] == eos) {
            asked = Arrays.copyOf(asked, last);
        }
        if (asked.length == 0) {
            throw ConfigException.about(
                    "teacher_tokenizer_name_or_path",
                    "no tokens of the prompt of %s; accepted: a tokenizer that has some"
                            .formatted(origin));
        }
        Tokenizer.Encoding read = teacher.encodeWithOffsets(texts.completion(), false);
        int[] answered = read.ids();
        int length = bytes(texts.completion());
        int[] ends = theirEnds(read, texts.completion());
        if (eos >= 0) {
            answered = with(answered, eos);
            ends = with(ends, length);
        }
        Read own =
                read(
                        completion,
                        ownEnds(completion, texts, length, byStudent),
                        config.uldSkipStudentEos());
        Read theirs = read(answered, ends, config.uldSkipTeacherEos());
        Aligned spans =
                config.useExtendedUld()
                        ? Aligned.byText(own, theirs)
                        : Aligned.byPlace(own, theirs);
        return new StudentRow(
                        new CompletionForest.Row(prompt, predicted(completion)),
                        new CompletionForest.Row(asked, predicted(answered)),
                        behind(completion),
                        origin)
                .across(new StudentRow.Across(spans, byStudent));
    }

    /// What is compared of a completion.
    private Read read(int[] ids, int[] ends, boolean skipsLast) {
        int size = Math.max(0, ids.length - (skipsLast ? 1 : 0));
        return new Read(isBayesian() ? 0 : 1, Arrays.copyOf(ids, size), Arrays.copyOf(ends, size));
    }

    /// The tokens whose predictions are needed. What follows the last token of all is predicted at
    /// a token more, whichever it is.
    private int[] predicted(int[] completion) {
        return isBayesian() ? completion : with(completion, completion[completion.length - 1]);
    }

    /// The place of that token.
    private BitSet behind(int[] completion) {
        var places = new BitSet();
        if (!isBayesian()) {
            places.set(completion.length);
        }
        return places;
    }

    private int[] ownEnds(
            int[] completion, CompletionExample.Texts texts, int length, boolean byStudent) {
        int size = completion.length - (texts.isEnded() ? 1 : 0);
        int[] ends = ends(student, Arrays.copyOf(completion, size));
        if (!byStudent && size > 0) {
            int before = ends[size - 1] - length; // of a token that reaches over the prompt's end
            Arrays.setAll(ends, i -> ends[i] - before);
        }
        return texts.isEnded() ? with(ends, length) : ends;
    }

    /// Where the teacher's tokens end. Bytes of tokens tell it where several share a character,
    /// places in the text where a tokenizer changes what it reads.
    private int[] theirEnds(Tokenizer.Encoding read, String text) {
        int[] ends = ends(teacher, read.ids());
        if (ends.length > 0 && ends[ends.length - 1] != bytes(text)) {
            Arrays.setAll(ends, i -> bytes(text.substring(0, read.end()[i])));
        }
        return ends;
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /// Where tokens end, in bytes.
    private static int[] ends(Tokenizer tokenizer, int[] ids) {
        int[] ends = new int[ids.length];
        int end = 0;
        for (int i = 0; i < ids.length; i++) {
            end += bytes(tokenizer, ids[i]);
            ends[i] = end;
        }
        return ends;
    }

    private static int bytes(Tokenizer tokenizer, int id) {
        int plain = tokenizer.tokenBytes(id).length;
        String token = plain > 0 ? null : tokenizer.token(id);
        return token == null ? plain : bytes(token);
    }

    private static int[] with(int[] values, int last) {
        int[] all = Arrays.copyOf(values, values.length + 1);
        all[values.length] = last;
        return all;
    }
}
