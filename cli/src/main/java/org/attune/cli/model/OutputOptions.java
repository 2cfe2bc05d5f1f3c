package org.attune.cli.model;

import org.attune.error.ModelException;
import org.attune.error.StopRequest;
import org.attune.files.safetensors.SafeTensorsWriter.Source;
import org.attune.models.ModelSetup;
import org.attune.tensor.DType;

import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// Options that say where and how a model is written.
final class OutputOptions {
    /// Number formats of weight files.
    enum Format {
        FLOAT32(DType.FLOAT32),
        BFLOAT16(DType.BFLOAT16),
        FLOAT16(DType.FLOAT16);

        private final DType dtype;

        Format(DType dtype) {
            this.dtype = dtype;
        }
    }

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "DIR",
            description = "Folder to write; must not exist or be empty.")
    Path output;

    @Option(
            names = "--dtype",
            description = "float32, bfloat16 or float16 (default: as the model's files).")
    Format format;

    /// @throws ModelException if the folder holds something
    static void requireEmpty(Path folder) {
        try (Stream<Path> files = Files.exists(folder) ? Files.list(folder) : Stream.empty()) {
            if (files.findAny().isPresent()) {
                throw new ModelException(
                        "--output: %s is not empty; give another folder".formatted(folder));
            }
        } catch (IOException e) {
            throw new ModelException(folder + " can't be read: " + e, e);
        }
    }

    /// Ends the writing of tensors when that is asked for.
    static List<Source> untilStopped(List<Source> tensors) {
        return tensors.stream().map(OutputOptions::untilStopped).toList();
    }

    private static Source untilStopped(Source tensor) {
        return new Source(
                tensor.name(),
                tensor.dtype(),
                tensor.shape(),
                arena -> {
                    StopRequest.check();
                    return tensor.data().apply(arena);
                });
    }

    /// Writes tokenizer and chat template in force over those of the model just written.
    static void writeText(ModelSetup setup, Path folder) {
        try {
            setup.writeText(folder);
            setup.writeHead(folder);
        } catch (IOException e) {
            throw new ModelException(folder + " can't be written: " + e, e);
        }
    }

    DType dtype(DType own) {
        return format == null ? own : format.dtype;
    }
}
