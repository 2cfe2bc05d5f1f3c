/// Commands about runs that are in folders: `attune runs` and `report`.
package org.attune.cli.runs;
