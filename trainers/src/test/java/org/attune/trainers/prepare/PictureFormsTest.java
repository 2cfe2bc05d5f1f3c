package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.images.ImagePipeline;
import org.attune.images.Picture;
import org.attune.images.SeenPicture;
import org.attune.text.ChatTemplate;
import org.attune.text.JinjaChatTemplate;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.TrainingRow;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/// Rows with pictures in the forms of several tools, with pictures from several places, become the
/// same tokens and the same pictures.
@Tag("thorough")
class PictureFormsTest {
    private static final Path LOOK =
            Path.of(System.getProperty("attune.root", "..")).resolve("examples/look");
    private static final Path RECORDED =
            Path.of("src/test/resources/recorded/pictures/forms").toAbsolutePath();

    /// Which shows parts of known types alone, as SmolVLM's does.
    private static final String TEMPLATE =
            "{% for m in messages %}<|{{ m.role }}|>{% for part in m.content %}"
                    + "{% if part.type == 'text' %}{{ part.text }}"
                    + "{% elif part.type == 'image' %}<image>{% endif %}{% endfor %}"
                    + "<end_of_utterance>{% endfor %}"
                    + "{% if add_generation_prompt %}<|assistant|>{% endif %}";

    private static final String PARTS =
            "[{'type':'text','text':'First '},{'type':'image'},{'type':'text','text':' then '},"
                    + "{'type':'image'},{'type':'text','text':' which?'}]";
    private static final String TAGS = "'First <image> then <image> which?'";
    private static final String OWN =
            "[{'type':'text','text':'First '},%s,{'type':'text','text':' then '},%s,"
                    + "{'type':'text','text':' which?'}]";

    private static final String ASKED = "[{'role':'user','content':%s}]".formatted(PARTS);
    private static final String ASKED_TEXTS = "[{'role':'user','content':%s}]".formatted(TAGS);
    private static final String LEFT = "[{'role':'assistant','content':'left'}]";
    private static final String RIGHT = "[{'role':'assistant','content':'right'}]";

    /// Conversations to learn; `@A` and `@B` are pictures.
    private static final Map<String, String> TALKS = talks();

    @TempDir Path folder;

    private static TextAssets text;
    private static SampleTokenizer tokenizer;

    @BeforeAll
    static void open() {
        text = TextAssets.load(LOOK);
        ChatTemplate strict = JinjaChatTemplate.compile("strict", TEMPLATE, text.specials());
        tokenizer =
                new SampleTokenizer(text.tokenizer(), Optional.of(strict))
                        .seeing(
                                ImagePipeline.open(LOOK, ImagePipeline.Options.DEFAULT)
                                        .orElseThrow());
    }

    @AfterAll
    static void close() {
        text.close();
    }

    private static Map<String, String> talks() {
        Map<String, String> rows = new LinkedHashMap<>();
        rows.put("TRL's parts", talk("'images':[@A,@B],'messages'", "role", "content", PARTS));
        rows.put("texts", talk("'images':[@A,@B],'messages'", "role", "content", TAGS));
        String parts = "{'type':'image','image':@A}#{'type':'image','image':@B}";
        rows.put("Qwen's parts", talk("'messages'", "role", "content", own(parts)));
        String bare = own("{'image':@A}#{'image':@B}").replace("'type':'text',", "");
        rows.put("Qwen's parts without types", talk("'messages'", "role", "content", bare));
        String urls =
                "{'type':'image_url','image_url':{'url':@A}}#{'type':'image_url','image_url':@B}";
        rows.put("OpenAI's parts", talk("'messages'", "role", "content", own(urls)));
        String inputs =
                own("{'type':'input_image','image_url':@A}#{'type':'input_image','image_url':@B}")
                        .replace("'text',", "'input_text',");
        rows.put("OpenAI's inputs", talk("'messages'", "role", "content", inputs));
        rows.put("prompt", "{'images':[@A,@B],'prompt':%s,'completion':%s}".formatted(ASKED, LEFT));
        rows.put(
                "prompt of texts",
                "{'image':[@A,@B],'prompt':%s,'completion':%s}".formatted(ASKED_TEXTS, LEFT));
        rows.put("ShareGPT", talk("'images':[@A,@B],'conversations'", "from", "value", TAGS));
        rows.put("LLaVA", talk("'image':[@A,@B],'conversations'", "from", "value", TAGS));
        rows.put("ChatML", talk("'image':[@A,@B],'conversations'", "role", "content", TAGS));
        rows.put(
                "Alpaca",
                "{'images':[@A,@B],'instruction':'First <image> then','input':'','output':'left'}"
                        .replace("then'", "then <image> which?'"));
        rows.put("query", "{'images':[@A,@B],'query':" + TAGS + ",'response':'left'}");
        return rows;
    }

    private static String own(String two) {
        return OWN.formatted((Object[]) two.split("#", -1));
    }

    private static String talk(String begin, String role, String content, String asked) {
        boolean shared = role.equals("from");
        return "{%s:[{'%s':'%s','%s':%s},{'%s':'%s','%s':'left'}]}"
                .formatted(
                        begin,
                        role,
                        shared ? "human" : "user",
                        content,
                        asked,
                        role,
                        shared ? "gpt" : "assistant",
                        content);
    }

    /// Ways to say where a picture is, as JSON.
    private Map<String, String> sources(String name) throws IOException {
        String absolute = RECORDED.resolve(name).toString();
        String base64 = Base64.getEncoder().encodeToString(Files.readAllBytes(Path.of(absolute)));
        Map<String, String> sources = new LinkedHashMap<>();
        sources.put("path", quoted("pictures/" + name));
        sources.put("absolute path", quoted(absolute));
        sources.put("file: URL", quoted(Path.of(absolute).toUri().toString()));
        sources.put("file:// and a path", quoted("file://" + absolute));
        sources.put("file://localhost", quoted("file://localhost" + absolute));
        sources.put("file:// and a relative path", quoted("file://pictures/" + name));
        sources.put("data: URL", quoted("data:image/png;base64," + base64));
        sources.put("data: URL of Qwen", quoted("data:image;base64," + base64));
        return sources;
    }

    /// Those that only columns and parts of the type `image` have.
    private Map<String, String> structures(String name) throws IOException {
        Map<String, String> structures = new LinkedHashMap<>(sources(name));
        String base64 =
                Base64.getEncoder().encodeToString(Files.readAllBytes(RECORDED.resolve(name)));
        structures.put("bytes", "{'bytes':'" + base64 + "','path':null}");
        structures.put("bytes and a name", "{'bytes':'" + base64 + "','path':'gone.png'}");
        structures.put("path in an object", "{'bytes':null,'path':'pictures/" + name + "'}");
        return structures;
    }

    private static String quoted(String text) {
        return "'" + text + "'";
    }

    private Path rows(String name, String row) throws IOException {
        Path pictures = folder.resolve("pictures");
        if (!Files.exists(pictures)) {
            Files.createDirectory(pictures);
            for (String file : List.of("a.png", "b 1.png")) {
                Files.copy(RECORDED.resolve(file), pictures.resolve(file));
            }
        }
        return Files.writeString(folder.resolve(name), row.replace('\'', '"') + "\n");
    }

    private List<Sample> samples(DatasetSource source, DatasetType... types) {
        return new DatasetLoader(folder, new HubCache(folder), BadRowPolicy.ERROR)
                .seeing(true)
                .load(List.of(source), Set.of(types))
                .samples();
    }

    private List<int[]> learnt(DatasetSource source) {
        List<Sample> samples =
                samples(source, DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
        return sequences(
                new SftPreparation(tokenizer, SftOptions.DEFAULTS, BadRowPolicy.ERROR)
                        .prepare(samples, 1)
                        .rows());
    }

    private static List<int[]> sequences(List<? extends TrainingRow> rows) {
        assertEquals(1, rows.size());
        return rows.getFirst().sequences();
    }

    private static void assertAlike(List<int[]> expected, List<int[]> got, String what) {
        assertEquals(expected.size(), got.size(), what);
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), got.get(i), what);
        }
    }

    /// SHA-256 of the pictures in a sequence.
    private static List<String> hashes(int[] ids) {
        return Arrays.stream(ids)
                .filter(id -> SeenPicture.isRow(id) && SeenPicture.at(id).row() == 0)
                .mapToObj(id -> SeenPicture.at(id).picture().key().substring(0, 64))
                .toList();
    }

    /// Reads each form with pictures from each place.
    ///
    /// @return how many were compared
    private int compare(Map<String, String> forms, Function<DatasetSource, List<int[]>> prepared)
            throws IOException {
        Map<String, String> a = structures("a.png");
        Map<String, String> b = structures("b 1.png");
        List<int[]> expected = null;
        List<String> wrong = new ArrayList<>();
        int compared = 0;
        for (Map.Entry<String, String> form : forms.entrySet()) {
            boolean addresses = form.getKey().startsWith("OpenAI");
            for (String from : addresses ? sources("a.png").keySet() : a.keySet()) {
                String row = form.getValue().replace("@A", a.get(from)).replace("@B", b.get(from));
                Path file = rows("rows.jsonl", row);
                try {
                    List<int[]> got = prepared.apply(DatasetSource.of(file.toString()));
                    expected = expected == null ? got : expected;
                    assertAlike(expected, got, form.getKey() + ", " + from);
                } catch (RuntimeException | AssertionError e) {
                    wrong.add(form.getKey() + ", " + from + ": " + e.getMessage());
                }
                compared++;
            }
        }
        assertTrue(wrong.isEmpty(), String.join("\n", wrong));
        for (int[] sequence : expected) {
            assertEquals(pictures(), hashes(sequence));
        }
        return compared;
    }

    /// SHA-256 of both pictures in order.
    private static List<String> pictures() {
        return Stream.of("a.png", "b 1.png")
                .map(name -> Picture.at(name, RECORDED.resolve(name)).hash())
                .toList();
    }

    @Test
    void conversationsAreTheSameInAllForms() throws IOException {
        assertEquals(137, compare(TALKS, this::learnt));
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
                        tokenizer, PreferenceOptions.DEFAULTS, BadRowPolicy.ERROR);
        var scored = new RewardPreparation(tokenizer, OptionalInt.empty(), BadRowPolicy.ERROR);
        int cases =
                compare(
                        rows,
                        source -> {
                            List<Sample> pairs = samples(source, DatasetType.PREFERENCE);
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
                        tokenizer,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        true,
                        BadRowPolicy.ERROR);
        int cases =
                compare(
                        rows,
                        source ->
                                sequences(
                                        preparation
                                                .prepare(
                                                        samples(
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
                        tokenizer, OptionalInt.empty(), BadRowPolicy.ERROR, SharedOptions.NONE);
        int cases =
                compare(
                        rows,
                        source ->
                                sequences(
                                        preparation
                                                .prepare(
                                                        samples(source, DatasetType.PROMPT_ONLY), 1)
                                                .rows()));
        assertEquals(55, cases);
    }

    /// As Hugging Face `datasets` writes pictures, and plain columns of bytes.
    @Test
    void bytesOfColumnsAreTheSamePictures() throws IOException {
        Path talk = rows("talk.jsonl", talkOf("TRL's parts"));
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
                samples(
                        DatasetSource.of(RECORDED.resolve("pairs.parquet").toString()),
                        DatasetType.PREFERENCE);
        List<int[]> sides =
                sequences(
                        new PreferencePreparation(
                                        tokenizer, PreferenceOptions.DEFAULTS, BadRowPolicy.ERROR)
                                .prepare(pairs, 1)
                                .rows());
        for (int[] side : sides) {
            assertEquals(pictures().subList(0, 1), hashes(side));
        }
    }

    private String talkOf(String form) throws IOException {
        return TALKS.get(form)
                .replace("@A", structures("a.png").get("path"))
                .replace("@B", structures("b 1.png").get("path"));
    }

    /// LLaMA-Factory's list of data sets may call the column as it likes, and `columns` renames.
    @ParameterizedTest
    @ValueSource(strings = {"images", "image", "pictures"})
    void columnsOfPicturesMayHaveOtherNames(String column) throws IOException {
        List<int[]> expected =
                learnt(DatasetSource.of(rows("talk.jsonl", talkOf("texts")).toString()));
        rows("shared.jsonl", talkOf("ShareGPT").replace("'images'", "'" + column + "'"));
        rows(
                "dataset_info.json",
                ("{'shared':{'file_name':'shared.jsonl','formatting':'sharegpt',"
                                + "'columns':{'messages':'conversations','images':'%s'}}}")
                        .formatted(column));
        assertAlike(expected, learnt(DatasetSource.of(folder + "#shared")), column);
        Path renamed =
                rows("renamed.jsonl", talkOf("texts").replace("'images'", "'" + column + "'"));
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

    /// A model would take the tag for a picture that isn't there.
    @Test
    void tagsWithoutPicturesAreRefused() throws IOException {
        for (String row :
                List.of(
                        talk("'messages'", "role", "content", TAGS),
                        "{'text':%s}".formatted(TAGS),
                        "{'prompt':'A <image>','completion':' or <image>'}")) {
            Path file = rows("tags.jsonl", row);
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
