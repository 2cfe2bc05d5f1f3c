package org.attune.trainers.prepare;

import static org.attune.trainers.prepare.PictureForms.ASKED;
import static org.attune.trainers.prepare.PictureForms.ASKED_TEXTS;
import static org.attune.trainers.prepare.PictureForms.LEFT;
import static org.attune.trainers.prepare.PictureForms.PARTS;
import static org.attune.trainers.prepare.PictureForms.RECORDED;
import static org.attune.trainers.prepare.PictureForms.RIGHT;
import static org.attune.trainers.prepare.PictureForms.TAGS;
import static org.attune.trainers.prepare.PictureForms.TALKS;
import static org.attune.trainers.prepare.PictureForms.assertAlike;
import static org.attune.trainers.prepare.PictureForms.hashes;
import static org.attune.trainers.prepare.PictureForms.own;
import static org.attune.trainers.prepare.PictureForms.pictures;
import static org.attune.trainers.prepare.PictureForms.sequences;
import static org.attune.trainers.prepare.PictureForms.talk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.PackedRow;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/// Rows with pictures in the forms of several tools, with pictures from several places, become the
/// same tokens and the same pictures.
@Tag("thorough")
class PictureFormsTest {
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

    private List<int[]> learnt(DatasetSource source) {
        List<Sample> samples =
                forms.samples(source, DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
        return sequences(
                new SftPreparation(forms.tokenizer, SftOptions.DEFAULTS, BadRowPolicy.ERROR)
                        .prepare(samples, 1)
                        .rows());
    }

    @Test
    void conversationsAreTheSameInAllForms() throws IOException {
        assertEquals(137, forms.compare(TALKS, this::learnt));
    }

    @Test
    void pairsAreTheSameInAllForms() throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        String sides = "'chosen':%s,'rejected':%s}";
        String both = sides.formatted(LEFT, RIGHT);
        rows.put("TRL", "{'images':[@A,@B],'prompt':%s,%s".formatted(ASKED, both));
        rows.put("texts", "{'images':[@A,@B],'prompt':%s,%s".formatted(ASKED_TEXTS, both));
        for (String asked : List.of(ASKED, ASKED_TEXTS)) {
            String begin = asked.substring(0, asked.length() - 1) + ",";
            rows.put(
                    "prompt in both, " + asked,
                    "{'images':[@A,@B],"
                            + sides.formatted(
                                    begin + LEFT.substring(1), begin + RIGHT.substring(1)));
        }
        String own = own("{'type':'image','image':@A}#{'type':'image','image':@B}");
        String begin = ASKED.replace(PARTS, own);
        rows.put("Qwen", "{'prompt':%s,%s".formatted(begin, both));
        String open = begin.substring(0, begin.length() - 1) + ",";
        rows.put(
                "Qwen's prompt in both",
                "{" + sides.formatted(open + LEFT.substring(1), open + RIGHT.substring(1)));
        String turns =
                "'chosen':{'from':'gpt','value':'left'},'rejected':{'from':'gpt','value':'right'}}";
        rows.put(
                "ShareGPT",
                "{'images':[@A,@B],'conversations':[{'from':'human','value':%s}],%s"
                        .formatted(TAGS, turns));
        String texts = "'chosen':'left','rejected':'right'}";
        rows.put("Alpaca", "{'images':[@A,@B],'instruction':%s,%s".formatted(TAGS, texts));
        rows.put("RLAIF-V", "{'image':[@A,@B],'question':%s,%s".formatted(TAGS, texts));
        var preparation =
                new PreferencePreparation(
                        forms.tokenizer, PreferenceOptions.DEFAULTS, BadRowPolicy.ERROR);
        var scored =
                new RewardPreparation(forms.tokenizer, OptionalInt.empty(), BadRowPolicy.ERROR);
        int cases =
                forms.compare(
                        rows,
                        source -> {
                            List<Sample> pairs = forms.samples(source, DatasetType.PREFERENCE);
                            List<int[]> sequences = sequences(preparation.prepare(pairs, 1).rows());
                            assertAlike(
                                    sequences,
                                    sequences(scored.prepare(pairs, 1).rows()),
                                    "reward");
                            return sequences;
                        });
        assertEquals(99, cases);
    }

    @Test
    void labelledCompletionsAreTheSameInAllForms() throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put(
                "TRL",
                "{'images':[@A,@B],'prompt':%s,'completion':%s,'label':true}"
                        .formatted(ASKED, LEFT));
        rows.put(
                "texts",
                "{'images':[@A,@B],'prompt':%s,'completion':%s,'label':true}"
                        .formatted(ASKED_TEXTS, LEFT));
        String talk = TALKS.get("ShareGPT");
        rows.put("ShareGPT", talk.substring(0, talk.length() - 1) + ",'kto_tag':true}");
        String alpaca = TALKS.get("Alpaca");
        rows.put("Alpaca", alpaca.substring(0, alpaca.length() - 1) + ",'kto_tag':true}");
        rows.put(
                "question",
                "{'image':[@A,@B],'question':%s,'answer':'left','label':true}".formatted(TAGS));
        var preparation =
                new KtoPreparation(
                        forms.tokenizer,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        true,
                        BadRowPolicy.ERROR);
        int cases =
                forms.compare(
                        rows,
                        source ->
                                sequences(
                                        preparation
                                                .prepare(
                                                        forms.samples(
                                                                source,
                                                                DatasetType.UNPAIRED_PREFERENCE),
                                                        1)
                                                .rows()));
        assertEquals(55, cases);
    }

    @Test
    void promptsAreTheSameInAllForms() throws IOException {
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put("TRL", "{'images':[@A,@B],'prompt':%s,'answer':'left'}".formatted(ASKED));
        rows.put("texts", "{'images':[@A,@B],'prompt':%s}".formatted(ASKED_TEXTS));
        String own = own("{'type':'image','image':@A}#{'type':'image','image':@B}");
        rows.put("Qwen", "{'prompt':%s}".formatted(ASKED.replace(PARTS, own)));
        rows.put("problem", "{'image':[@A,@B],'problem':%s,'solution':'left'}".formatted(TAGS));
        rows.put("Alpaca", TALKS.get("Alpaca"));
        var preparation =
                new PromptPreparation(
                        forms.tokenizer,
                        OptionalInt.empty(),
                        BadRowPolicy.ERROR,
                        SharedOptions.NONE);
        int cases =
                forms.compare(
                        rows,
                        source ->
                                sequences(
                                        preparation
                                                .prepare(
                                                        forms.samples(
                                                                source, DatasetType.PROMPT_ONLY),
                                                        1)
                                                .rows()));
        assertEquals(55, cases);
    }

    /// As Hugging Face `datasets` writes pictures, and plain columns of bytes.
    @Test
    void bytesOfColumnsAreTheSamePictures() throws IOException {
        Path talk = forms.rows("talk.jsonl", forms.talkOf("TRL's parts"));
        List<int[]> expected = learnt(DatasetSource.of(talk.toString()));
        for (String file :
                List.of("images.parquet", "parts.parquet", "within.parquet", "binary.parquet")) {
            assertAlike(
                    expected, learnt(DatasetSource.of(RECORDED.resolve(file).toString())), file);
        }
        assertAlike(expected, learnt(DatasetSource.of(RECORDED.resolve("saved").toString())), "");
        List<int[]> one = learnt(DatasetSource.of(RECORDED.resolve("one.parquet").toString()));
        assertEquals(pictures().subList(0, 1), hashes(one.getFirst()));
        List<Sample> pairs =
                forms.samples(
                        DatasetSource.of(RECORDED.resolve("pairs.parquet").toString()),
                        DatasetType.PREFERENCE);
        List<int[]> sides =
                sequences(
                        new PreferencePreparation(
                                        forms.tokenizer,
                                        PreferenceOptions.DEFAULTS,
                                        BadRowPolicy.ERROR)
                                .prepare(pairs, 1)
                                .rows());
        for (int[] side : sides) {
            assertEquals(pictures().subList(0, 1), hashes(side));
        }
    }

    /// LLaMA-Factory's list of data sets may call the column as it likes, and `columns` renames.
    @ParameterizedTest
    @ValueSource(strings = {"images", "image", "pictures"})
    void columnsOfPicturesMayHaveOtherNames(String column) throws IOException {
        List<int[]> expected =
                learnt(
                        DatasetSource.of(
                                forms.rows("talk.jsonl", forms.talkOf("texts")).toString()));
        forms.rows(
                "shared.jsonl", forms.talkOf("ShareGPT").replace("'images'", "'" + column + "'"));
        forms.rows(
                "dataset_info.json",
                ("{'shared':{'file_name':'shared.jsonl','formatting':'sharegpt',"
                                + "'columns':{'messages':'conversations','images':'%s'}}}")
                        .formatted(column));
        assertAlike(expected, learnt(DatasetSource.of(folder + "#shared")), column);
        Path renamed =
                forms.rows(
                        "renamed.jsonl",
                        forms.talkOf("texts").replace("'images'", "'" + column + "'"));
        Map<String, String> columns =
                column.startsWith("image") ? Map.of() : Map.of(column, "images");
        var source =
                new DatasetSource(
                        renamed.toString(),
                        Optional.empty(),
                        Optional.empty(),
                        SplitSpec.TRAIN,
                        columns);
        assertAlike(expected, learnt(source), "renamed " + column);
    }

    /// SFT cuts rows when all are tokenised; the place of a row is told then too, and once.
    @ParameterizedTest
    @ValueSource(strings = {"a.png", "broken.png"})
    void rowsWhosePictureCannotBeUsedAreNamedOrLeftOut(String name) throws IOException {
        Path file = forms.rows("rows.jsonl", "");
        Files.writeString(folder.resolve("pictures/broken.png"), "hello");
        String row = talk("'image':'pictures/%s','messages'", "role", "content", "'Why <image>'");
        forms.rows(
                "rows.jsonl",
                talk("'messages'", "role", "content", "'A'") + "\n" + row.formatted(name));
        var options =
                new SftOptions(
                        OptionalInt.of(9),
                        TruncationMode.KEEP_START,
                        Optional.empty(),
                        false,
                        Optional.empty());
        var report = streamed(file, options, BadRowPolicy.SKIP).report();
        assertEquals(List.of(2L), report.dropped().stream().map(d -> d.origin().line()).toList());
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> streamed(file, options, BadRowPolicy.ERROR))
                        .getMessage();
        assertEquals(2, message.split("rows.jsonl:2: ", -1).length, message);
    }

    private Prepared<PackedRow> streamed(Path file, SftOptions options, BadRowPolicy onBadRow) {
        var preparation = new SftPreparation(forms.tokenizer, options, onBadRow);
        var stream = new DocumentStream(preparation, 1, folder);
        forms.samples(DatasetSource.of(file.toString()), DatasetType.LANGUAGE_MODELING)
                .forEach(stream);
        return stream.rows(preparation, List.of(0, 1));
    }

    /// A model would take the tag for a picture that isn't there.
    @Test
    void tagsWithoutPicturesAreRefused() throws IOException {
        for (String row :
                List.of(
                        talk("'messages'", "role", "content", TAGS),
                        "{'text':%s}".formatted(TAGS),
                        "{'prompt':'A <image>','completion':' or <image>'}")) {
            Path file = forms.rows("tags.jsonl", row);
            String message =
                    assertThrows(
                                    DatasetException.class,
                                    () -> learnt(DatasetSource.of(file.toString())))
                            .getMessage();
            assertTrue(message.contains("tags.jsonl:1: "), message);
            assertTrue(message.contains("2 times <image> for 0 pictures"), message);
        }
    }
}
