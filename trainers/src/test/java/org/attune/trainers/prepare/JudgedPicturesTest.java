package org.attune.trainers.prepare;

import static org.attune.trainers.prepare.PictureForms.ASKED;
import static org.attune.trainers.prepare.PictureForms.ASKED_TEXTS;
import static org.attune.trainers.prepare.PictureForms.PARTS;
import static org.attune.trainers.prepare.PictureForms.own;
import static org.attune.trainers.prepare.PictureForms.sequences;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.formats.DatasetType;
import org.attune.error.DatasetException;
import org.attune.text.TextAssets;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Heads read rows with pictures in all forms, or refuse them.
@Tag("thorough")
class JudgedPicturesTest {
    private static TextAssets text;

    @TempDir Path folder;

    private PictureForms forms;

    @BeforeAll
    static void open() {
        text = PictureForms.text();
    }

    @AfterAll
    static void close() {
        text.close();
    }

    @BeforeEach
    void use() {
        forms = new PictureForms(folder, text);
    }

    @Test
    void textsAndStepsToJudgeAreTheSameInAllForms() throws IOException {
        String own = own("{'type':'image','image':@A}#{'type':'image','image':@B}");
        String qwen = ASKED.replace(PARTS, own);
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put("prompt", "{'images':[@A,@B],'prompt':%s,'label':1}".formatted(ASKED));
        texts.put("messages", "{'image':[@A,@B],'messages':%s,'label':1}".formatted(ASKED_TEXTS));
        texts.put("Qwen", "{'messages':%s,'label':'yes'}".formatted(qwen));
        assertEquals(
                33,
                forms.compare(texts, source -> labelled(source, DatasetType.CLASSIFICATION, 1000)));
        Map<String, String> steps = new LinkedHashMap<>();
        String judged = "'completions':['left','so'],'labels':[true,false]}";
        steps.put("TRL", "{'images':[@A,@B],'prompt':%s,%s".formatted(ASKED, judged));
        steps.put("texts", "{'image':[@A,@B],'prompt':%s,%s".formatted(ASKED_TEXTS, judged));
        steps.put("Qwen", "{'prompt':%s,%s".formatted(qwen, judged));
        assertEquals(33, forms.compare(steps, source -> judged(source, OptionalInt.empty())));
    }

    private List<int[]> labelled(DatasetSource source, DatasetType type, int length) {
        return sequences(
                forms.tokenizer
                        .labelled(OptionalInt.of(length), BadRowPolicy.ERROR)
                        .prepare(forms.samples(source, type), 1)
                        .rows());
    }

    private List<int[]> judged(DatasetSource source, OptionalInt length) {
        var options = new StepwiseOptions("\n", false, length, OptionalInt.empty());
        return sequences(
                new StepwisePreparation(forms.tokenizer, options, BadRowPolicy.ERROR)
                        .prepare(forms.samples(source, DatasetType.STEPWISE_SUPERVISION), 1)
                        .rows());
    }

    @Test
    void textsToJudgeAreNotCutWithinPictures() throws IOException {
        String row =
                "{'image':'pictures/a.png','prompt':[{'role':'user','content':'%s'}],'label':1}";
        var whole = DatasetSource.of(forms.rows("a.jsonl", row.formatted("Which")).toString());
        int length = labelled(whole, DatasetType.CLASSIFICATION, 1000).getFirst().length;
        assertEquals(
                length - 2,
                labelled(whole, DatasetType.CLASSIFICATION, length - 2).getFirst().length);
        String behind = row.formatted("Which <image>");
        var cut = DatasetSource.of(forms.rows("b.jsonl", behind).toString());
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> labelled(cut, DatasetType.CLASSIFICATION, length - 2))
                        .getMessage();
        assertTrue(
                message.contains("b.jsonl:1") && message.contains("pictures aren't cut"), message);
    }

    /// Heads whose folders are read by programs that know texts alone.
    @Test
    void pairsToCompareTakeNoPictures() throws IOException {
        for (String row :
                List.of(
                        "{'image':'pictures/a.png','anchor':'A','positive':'B'}",
                        "{'anchor':[{'role':'user','content':[{'type':'image','image':'a.png'}]}],"
                                + "'positive':'B'}",
                        "{'query':[{'role':'user','content':[{'image':'a.png'}]}],'positive':'B'}")) {
            var source = DatasetSource.of(forms.rows("compared.jsonl", row).toString());
            DatasetType type = row.contains("query") ? DatasetType.RANKING : DatasetType.EMBEDDING;
            String message =
                    assertThrows(DatasetException.class, () -> labelled(source, type, 1000))
                            .getMessage();
            assertTrue(message.contains("compared.jsonl:1: column "), message);
            assertTrue(message.contains("holds pictures, which rows of the type"), message);
        }
    }
}
