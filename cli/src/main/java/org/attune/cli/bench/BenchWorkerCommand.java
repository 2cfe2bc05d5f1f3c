package org.attune.cli.bench;

import org.attune.bench.BenchJson;
import org.attune.bench.BenchSpec;
import org.attune.bench.BenchWorker;
import org.attune.cli.command.CommonOptions;
import org.attune.cli.command.ExitCodes;
import org.attune.cli.command.UsesEngine;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.util.concurrent.Callable;

/// One repeat of `attune bench`, which starts this.
@Command(name = "worker", description = "One repeat of a benchmark.", hidden = true)
final class BenchWorkerCommand implements Callable<Integer>, UsesEngine {
    @Mixin CommonOptions common;

    @Parameters(index = "0", paramLabel = "WORK.json")
    Path work;

    @Parameters(index = "1", paramLabel = "ROWS.jsonl")
    Path rows;

    @Parameters(index = "2", paramLabel = "FOLDER")
    Path folder;

    @Parameters(index = "3", paramLabel = "RESULT.json")
    Path result;

    private BenchSpec spec;

    private BenchSpec spec() {
        if (spec == null) {
            spec = BenchJson.read(work, BenchSpec.class);
        }
        return spec;
    }

    @Override
    public boolean stopsItself() {
        return true;
    }

    @Override
    public boolean generates() {
        return spec().task().generates();
    }

    @Override
    public Integer call() {
        BenchJson.write(result, new BenchWorker(spec(), rows, folder).run());
        return ExitCodes.DONE;
    }
}
