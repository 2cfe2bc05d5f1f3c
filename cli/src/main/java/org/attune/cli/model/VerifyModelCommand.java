package org.attune.cli.model;

import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.ModelOptions;
import org.attune.cli.command.UsesEngine;
import org.attune.error.ModelException;
import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.models.DtypeChoice;
import org.attune.models.LoadedModel;
import org.attune.tensor.DType;
import org.attune.tensor.Engine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;

/// `attune verify-model --model MODEL [--adapter ADAPTER] --expected FILE.safetensors`
@Command(
        name = "verify-model",
        description = {
            "Compare a model's logits with recorded ones.",
            "Prints the largest difference.",
            "The file holds input_ids, integers (B, T), and logits, float32 (B, T, V), computed"
                    + " elsewhere; attention_mask (B, T) may mark padding at the end of rows.",
            "Of a model that scores, V counts its labels: a score for each at every token."
        })
public final class VerifyModelCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;
    @Mixin ModelOptions model;
    @Spec CommandSpec spec;

    @Option(
            names = "--expected",
            required = true,
            paramLabel = "FILE.safetensors",
            description = "Recorded inputs and logits.")
    Path expected;

    @Option(
            names = "--tensor",
            defaultValue = "logits",
            description = "Name of the recorded logits (default: ${DEFAULT-VALUE}).")
    String tensor;

    @Option(
            names = "--tolerance",
            description = "Fail if the difference is larger (default: only print it).")
    Double tolerance;

    @Option(
            names = "--dtype",
            defaultValue = "float32",
            description = "float32 or bfloat16 (default: ${DEFAULT-VALUE}).")
    DtypeChoice dtype;

    @Override
    public String afterStop() {
        return "nothing was compared to its end";
    }

    @Override
    public Integer call() {
        double largest = Engine.call(this::largestDifference);
        spec.commandLine().getOut().printf(Locale.ROOT, "largest difference: %.6g%n", largest);
        boolean fails = tolerance != null && !(largest <= tolerance);
        return fails ? ExitCodes.FAILED : ExitCodes.DONE;
    }

    private double largestDifference() {
        try (TensorFile file = SafeTensorsFile.open(expected);
                var arena = Arena.ofConfined();
                var loaded = LoadedModel.openAny(model.config(dtype))) {
            long[] shape = shape(file, tensor, 3);
            int rows = (int) shape[0];
            int length = (int) shape[1];
            int vocabulary = (int) shape[2];
            int[] ids = ints(file, "input_ids", arena);
            int[] mask = ones(rows * length);
            if (file.entries().containsKey("attention_mask")) {
                mask = ints(file, "attention_mask", arena);
            }
            MemorySegment recorded = file.read(tensor, arena);
            double largest = 0;
            for (int row = 0; row < rows; row++) {
                int real = Arrays.stream(mask, row * length, (row + 1) * length).sum();
                int[] sequence = Arrays.copyOfRange(ids, row * length, row * length + real);
                float[] computed =
                        ProbeLogits.of(loaded.decoder(), loaded.adapterInUse(), sequence);
                requireSameVocabulary(computed.length / real, vocabulary);
                float[] wanted =
                        floats(recorded, (long) row * length * vocabulary, real * vocabulary);
                largest = worst(largest, ProbeLogits.largestDifference(computed, wanted));
            }
            return largest;
        }
    }

    private static double worst(double a, double b) {
        return Double.isNaN(b) || b > a ? b : a;
    }

    private void requireSameVocabulary(int computed, int recorded) {
        if (computed != recorded) {
            throw new ModelException(
                    "%s has %d logits a token, the model %d; it was recorded from another model"
                            .formatted(expected, recorded, computed));
        }
    }

    private static int[] ones(int n) {
        int[] ones = new int[n];
        Arrays.fill(ones, 1);
        return ones;
    }

    private long[] shape(TensorFile file, String name, int axes) {
        TensorFile.Entry entry = file.entries().get(name);
        if (entry == null) {
            throw new ModelException(
                    "%s has no tensor %s; it has %s"
                            .formatted(expected, name, file.entries().keySet()));
        }
        if (entry.shape().length != axes) {
            throw new ModelException(
                    "%s: %s has shape %s, %d axes are needed"
                            .formatted(expected, name, Arrays.toString(entry.shape()), axes));
        }
        return entry.shape();
    }

    private int[] ints(TensorFile file, String name, Arena arena) {
        shape(file, name, 2);
        TensorFile.Entry entry = file.entries().get(name);
        boolean wide = entry.dtype() == DType.INT64;
        if (!wide && entry.dtype() != DType.INT32) {
            throw new ModelException(
                    "%s: %s is %s; int32 or int64 is needed"
                            .formatted(expected, name, entry.dtype()));
        }
        MemorySegment data = file.read(name, arena);
        int[] values = new int[(int) entry.count()];
        for (int i = 0; i < values.length; i++) {
            values[i] =
                    wide
                            ? (int)
                                    data.get(
                                            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(
                                                    ByteOrder.LITTLE_ENDIAN),
                                            8L * i)
                            : data.get(
                                    ValueLayout.JAVA_INT_UNALIGNED.withOrder(
                                            ByteOrder.LITTLE_ENDIAN),
                                    4L * i);
        }
        return values;
    }

    private static float[] floats(MemorySegment data, long start, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] =
                    data.get(
                            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN),
                            4 * (start + i));
        }
        return values;
    }
}
