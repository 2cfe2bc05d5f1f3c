/// Data sets: from files to token ids with a loss mask.
///
/// [DatasetLoader] reads a mixture of sources into [Sample]s; [SftPreparation] and
/// [PreferencePreparation] tokenise them once, in parallel and in order, cut, drop and pack them
/// as TRL 1.16 does and report what they did; Preview shows a person what is trained.
package org.attune.datasets;

import org.attune.datasets.formats.Sample;
import org.attune.datasets.prepare.PreferencePreparation;
import org.attune.datasets.prepare.SftPreparation;
