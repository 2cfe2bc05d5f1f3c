package org.attune.cli.bench;

import org.attune.bench.BenchEstimate;
import org.attune.bench.BenchSpec;
import org.attune.bench.BenchTask;
import org.attune.bench.BenchText;
import org.attune.bench.ModelFlops;
import org.attune.bench.Theory;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.model.config.DecoderConfig;
import org.attune.model.source.ModelSource;
import org.attune.models.DtypeChoice;
import org.attune.tensor.DType;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;

/// `attune bench theory`
@Command(
        name = "theory",
        description =
                "Operations, bytes and the time of one H100 at best, without running anything.")
final class BenchTheoryCommand implements Callable<Integer> {
    private static final double GIB = 1L << 30;

    @Mixin CommonOptions common;
    @Mixin BenchOptions work;
    @Spec CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        List<String> titles =
                List.of(
                        "task",
                        "GFLOP a step",
                        "least GB moved",
                        "GiB resident",
                        "one H100 at best, s",
                        "tokens/s then");
        out.print(BenchText.line(titles));
        out.println("|---".repeat(titles.size()) + "|");
        DecoderConfig config = config();
        DType dtype = work.dtype == DtypeChoice.FLOAT32 ? DType.FLOAT32 : DType.BFLOAT16;
        for (BenchTask task : BenchTask.values()) {
            BenchSpec one = work.spec(task);
            var estimate =
                    new BenchEstimate(one, new Theory(new ModelFlops(config, one.rank()), dtype));
            double seconds = estimate.h100Seconds();
            out.print(
                    BenchText.line(
                            List.of(
                                    task.label(),
                                    BenchText.number(estimate.operations() / 1e9),
                                    BenchText.number(estimate.bytes() / 1e9),
                                    BenchText.number(estimate.resident() / GIB),
                                    BenchText.number(seconds),
                                    BenchText.number(estimate.tokens() / seconds))));
        }
        out.flush();
        return ExitCodes.DONE;
    }

    private DecoderConfig config() {
        if (work.shape().isPresent()) {
            return work.shape().get().config();
        }
        try (var source = ModelSource.open(work.model.toString())) {
            return source.config();
        }
    }
}
