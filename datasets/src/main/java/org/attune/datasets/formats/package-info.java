/// What rows mean: TRL's dataset types and their conversions, and the formats of other tools,
/// which are brought to TRL's columns.
package org.attune.datasets.formats;
