/// Data sets that a model writes: completions of prompts, scored and chosen from. Read
/// [SampleConfig], then [SampleRun].
package org.attune.trainers.samples;
