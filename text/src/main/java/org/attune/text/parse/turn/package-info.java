/// Reads a turn piece by piece: which marks open and close what, and how calls are read.
package org.attune.text.parse.turn;
