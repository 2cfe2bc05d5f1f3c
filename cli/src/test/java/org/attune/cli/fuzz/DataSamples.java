package org.attune.cli.fuzz;

import org.attune.checkpoint.CheckpointStore;
import org.attune.checkpoint.RunState;
import org.attune.datasets.parquet.ParquetColumn;
import org.attune.datasets.parquet.ParquetTable;
import org.attune.text.Message;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;

/// Rows in every format, descriptions of data sets, files of runs.
final class DataSamples {
    private static final String LINES =
            """
            {"prompt": "a", "chosen": "b", "rejected": "c", "n": 1}
            {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "tool_calls": [{"id": 1}]}]}
            {"text": "é\\u00e9 😀", "x": [1.5, null, true], "y": {"z": 12345678901234567890}}
            """;

    private static final String TABLE =
            """
            prompt,completion,label
            "a, ""b"\"","c
            d",true
            e,f,false
            """;

    private static final String INFO =
            """
            {"demo": {"file_name": "data.json", "formatting": "sharegpt", "ranking": false, "num_samples": 2, "split": "train[:2]", "subset": null,
                      "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
                      "tags": {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt",
                               "observation_tag": "observation", "function_tag": "function_call", "system_tag": "system"}},
             "more": {"file_name": "sub/more.jsonl", "columns": {"prompt": "q", "response": "a"}}}
            """;

    private static final String CARD =
            """
            ---
            license: mit
            configs:
            - config_name: main
              default: true
              data_files: [{split: train, path: "rows/*.jsonl"}, {split: test, path: ["**/b.csv"]}]
            - config_name: other
              data_dir: rows
            ---
            # A data set
            """;

    private static final String CONVERSATIONS =
            """
            [{"conversations": [{"from": "human", "value": "x"}, {"from": "function_call", "value": "{\\"name\\": \\"f\\", \\"arguments\\": {}}"},
              {"from": "observation", "value": "o"}, {"from": "gpt", "value": "y"}], "system": "s", "tools": "[]"},
             {"conversations": [{"from": "human", "value": "x"}, {"from": "gpt", "value": "y"}], "system": "", "tools": ""}]
            """;

    private static final String RUN =
            """
            # a run
            model_name_or_path: model
            datasets: [{path: a.jsonl, split: "train[:10%]"}, b.csv]
            output_dir: out
            use_peft: true
            lora_target_modules: all-linear
            lora_r: 16
            learning_rate: 1e-4
            num_train_epochs: 1.5
            per_device_train_batch_size: 2
            save_strategy: "no"
            logging_steps: 10
            lr_scheduler_kwargs: {num_cycles: 2}
            seed: 1
            """;

    private static final String ROUNDS =
            """
            {"generation": 0, "place": 1, "prompt_ids": [1, 2], "completion_ids": [3, 4], "finish_reason": "stop", "sampling_logprobs": [-0.5, null], "loss_mask": [1, 0], "rewards": {"r": 1.0}, "reward_weights": {"r": 1.0}}
            {"generation": 0, "place": 0, "prompt_ids": [1, 2], "completion_ids": [5], "finish_reason": "length", "rewards": {"r": null}, "reward_weights": {"r": 1.0}}
            """;

    private DataSamples() {}

    static List<Sample> rows() {
        List<Sample> usual =
                List.of(
                        Sample.of("rows.jsonl", LINES),
                        Sample.of("rows.json", CONVERSATIONS),
                        Sample.of("rows.csv", TABLE),
                        Sample.of("rows.tsv", TABLE.replace(',', '\t')),
                        Sample.of("rows.txt", "a line\nanother\r\n\n"),
                        Sample.of("rows.jsonl.gz", zipped(LINES)),
                        Sample.of("rows.csv.gz", zipped(TABLE)),
                        Sample.of("rows.parquet", parquet()),
                        Sample.of("rows.parquet", parquet()));
        List<Sample> rows = new ArrayList<>();
        for (String codec : List.of("snappy", "gzip", "zstd", "lz4", "brotli")) {
            String file = codec + ".parquet";
            rows.addAll(Collections.nCopies(3, Sample.of("rows.parquet", recorded(file))));
        }
        for (String file : List.of("file.arrow", "stream.arrow", "lz4.arrow")) {
            rows.addAll(Collections.nCopies(3, Sample.of("rows.arrow", recorded(file))));
        }
        for (int i = 0; i < 4; i++) {
            rows.addAll(usual);
        }
        rows.add(Sample.of("rows.jsonl.gz", longLine()));
        return rows;
    }

    static List<Sample> dataSets() {
        Sample described =
                Sample.of("dataset_info.json", INFO)
                        .with("data.json", CONVERSATIONS)
                        .with("sub/more.jsonl", "{\"q\": \"x\", \"a\": \"y\"}\n");
        return List.of(
                described,
                described,
                Sample.of("README.md", CARD).with("rows/a.jsonl", LINES).with("rows/b.csv", TABLE),
                Sample.of("train.jsonl", LINES),
                Sample.of("train.csv", TABLE));
    }

    static List<Sample> runs() {
        return List.of(
                Sample.of("run.yaml", RUN),
                Sample.of("run.yaml", RUN + "reward_funcs: [length, {name: regex, pattern: a}]\n"),
                Sample.of("run.yaml", RUN + "x".repeat(100_000) + ": 1\n"),
                Sample.of("run.yaml", "[".repeat(20_000)),
                Sample.of("run.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n" + RUN));
    }

    static List<Sample> rounds() {
        return List.of(Sample.of("rounds.jsonl", ROUNDS));
    }

    static List<Sample> checkpoints() {
        try {
            Path folder = Files.createTempDirectory("attune-fuzz");
            var state =
                    new RunState(
                            7,
                            100,
                            1.5,
                            Map.of("loss", new RunState.Mean(1, 2)),
                            Map.of("eval_loss", 2.5),
                            Map.of("seed", "1"),
                            List.of(Map.of("step", 7, "loss", 0.5)));
            var shapes = new TreeMap<>(Map.of("value", new long[] {4}));
            new CheckpointStore(folder, OptionalInt.empty())
                    .save(
                            state,
                            10,
                            0.5,
                            inside ->
                                    Files.write(
                                            inside.resolve("optimizer.safetensors"),
                                            ModelSamples.weights(shapes)));
            Sample sample = Sample.read(folder);
            Fuzz.delete(folder);
            return List.of(
                    first(sample, "checkpoint.json"),
                    first(sample, "run_state.json"),
                    first(sample, "optimizer.safetensors"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The same, with the file of this name mutated most often.
    private static Sample first(Sample sample, String name) {
        String path =
                sample.files().keySet().stream().filter(p -> p.endsWith(name)).findFirst().get();
        var files = new LinkedHashMap<String, byte[]>();
        files.put(path, sample.files().get(path));
        sample.files().forEach(files::putIfAbsent);
        return new Sample(files);
    }

    /// Forty kilobytes that are one line of forty megabytes.
    private static byte[] longLine() {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write("{\"text\": \"".getBytes(StandardCharsets.UTF_8));
            byte[] part = "a".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 40; i++) {
                out.write(part);
            }
            out.write("\"}\n".getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static byte[] zipped(String text) {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /// A file of pyarrow, which `make_parquet.py` or `make_arrow.py` in
    /// `datasets/src/test/recorded` wrote.
    private static byte[] recorded(String file) {
        try (var in = DataSamples.class.getResourceAsStream("samples/" + file)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] parquet() {
        var table =
                new ParquetTable(
                        List.of(
                                new ParquetColumn.Texts("prompt", List.of("a", "bb", "ccc")),
                                new ParquetColumn.Longs("n", List.of(1L, 2L, 3L)),
                                new ParquetColumn.Doubles("x", List.of(0.5, 1.5, 2.5)),
                                new ParquetColumn.Booleans("b", List.of(true, false, true)),
                                new ParquetColumn.Conversations(
                                        "messages",
                                        List.of(
                                                List.of(Message.of("user", "x")),
                                                List.of(
                                                        Message.of("user", "x"),
                                                        Message.of("assistant", "y")),
                                                List.of()))));
        try {
            Path file = Files.createTempFile("attune-fuzz", ".parquet");
            table.write(file);
            byte[] bytes = Files.readAllBytes(file);
            Files.delete(file);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
