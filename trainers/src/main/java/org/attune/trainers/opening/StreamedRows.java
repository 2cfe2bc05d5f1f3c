package org.attune.trainers.opening;

import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.PassedRows;
import org.attune.datasets.Positions;
import org.attune.datasets.formats.DatasetType;
import org.attune.trainers.config.DataConfig;
import org.attune.trainers.config.DatasetSpec;
import org.attune.trainers.config.TrainingConfig;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.loop.EvalSet;
import org.attune.trainers.prepare.DocumentStream;
import org.attune.trainers.prepare.Prepared;
import org.attune.trainers.prepare.SftPreparation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/// Rows of SFT, tokenised while they are read: what is held out, and in which order the rest comes,
/// is decided by their numbers afterwards. The rows are those that reading all of them first gives.
///
/// @param form of prompts
/// @param threads how many tokenise at a time
/// @param folder where files of tokens may lie
record StreamedRows(
        DatasetLoader loader, Set<DatasetType> types, PromptForm form, int threads, Path folder) {
    private static final Logger LOG = LoggerFactory.getLogger(StreamedRows.class);

    RunRows<PackedRow> of(
            DataConfig data,
            TrainingConfig training,
            Function<List<DatasetSpec>, List<DatasetSource>> sources,
            SftPreparation train,
            SftPreparation eval) {
        long seed = training.seed();
        var documents = new DocumentStream(train, threads, folder);
        PassedRows passed = pass(sources.apply(data.datasets()), documents);
        ChosenRows chosen =
                ChosenRows.of(data, passed.sources(), seed, training.dataSeed().orElse(seed));
        var prepared = new ArrayList<Prepared<PackedRow>>();
        for (List<Integer> part : chosen.parts()) {
            prepared.add(documents.rows(train, Positions.through(part, passed.chosen())));
        }
        chosen.tell(prepared);
        var sets = new ArrayList<EvalSet<PackedRow>>();
        if (!data.evalDatasets().isEmpty()) {
            var others = new DocumentStream(eval, threads, folder);
            sets.add(
                    heldOut(
                            others,
                            eval,
                            pass(sources.apply(data.evalDatasets()), others).chosen()));
        } else if (!chosen.aside().isEmpty()) {
            List<Integer> aside = Positions.through(chosen.aside(), passed.chosen());
            sets.add(heldOut(documents, eval, aside));
        }
        form.tell();
        return chosen.joined(prepared, sets);
    }

    private PassedRows pass(List<DatasetSource> sources, DocumentStream documents) {
        return loader.pass(sources, types, sample -> documents.accept(form.apply(sample)));
    }

    private static EvalSet<PackedRow> heldOut(
            DocumentStream documents, SftPreparation eval, List<Integer> chosen) {
        Prepared<PackedRow> prepared = documents.rows(eval, chosen);
        LOG.info("held-out rows: {}", prepared.report().summary());
        return new EvalSet<>("", prepared.rows());
    }
}
