package foreign

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"hone/engine/trace"
)

// ReadEvents reads an event file of TensorBoard: the scalars of its summaries, and
// the arguments and the configuration that transformers writes as text. name is
// what messages call the file. A torn tail ends it with a note; the error wraps
// ErrFormat where there is no record at all.
func ReadEvents(r io.Reader, name string) (*trace.Log, error) {
	e := &eventReader{keeper: newKeeper(trace.TensorBoard, name)}
	e.log.Single = true
	records, err := tfrecords(r, e.event, e.note)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if records == 0 {
		return nil, fmt.Errorf("reading %s: %w: it has no whole record", name, ErrFormat)
	}
	e.log.Order()
	e.finish()
	return e.log, nil
}

type eventReader struct{ *keeper }

// event reads one record.
func (e *eventReader) event(record []byte, offset int64) {
	var step int64
	var wall float64
	var summaries [][]byte
	err := fields(record, func(f field) {
		switch {
		case f.number == 1 && f.wire == wireFixed64:
			wall = math.Float64frombits(f.bits)
		case f.number == 2 && f.wire == wireVarint:
			step = int64(f.bits)
		case f.number == 5 && f.wire == wireBytes:
			summaries = append(summaries, f.data)
		}
	})
	if err != nil || step < 0 || step > 1e12 {
		e.note("the record at byte %d is no event", offset)
		return
	}
	if !(math.Abs(wall) < 1e12) {
		wall = 0
	}
	at := trace.Sample{Step: int(step), Wall: wall, Ref: trace.Ref{Offset: offset}}
	for _, s := range summaries {
		err := fields(s, func(f field) {
			if f.number == 1 && f.wire == wireBytes {
				e.value(f.data, at)
			}
		})
		if err != nil {
			e.note("the summary at byte %d is damaged", offset)
		}
	}
}

// value reads one value of a summary.
func (e *eventReader) value(msg []byte, at trace.Sample) {
	var tag string
	var tensor []byte
	x, scalar := 0.0, false
	err := fields(msg, func(f field) {
		switch {
		case f.number == 1 && f.wire == wireBytes:
			tag = string(f.data[:min(len(f.data), 300)])
		case f.number == 2 && f.wire == wireFixed32:
			x, scalar = float64(math.Float32frombits(uint32(f.bits))), true
		case f.number == 8 && f.wire == wireBytes:
			tensor = f.data
		}
	})
	if err != nil {
		e.note("a value at byte %d is damaged", at.Ref.Offset)
		return
	}
	if !scalar && tensor != nil {
		var text []byte
		x, text, scalar = tensorValue(tensor)
		if text != nil {
			e.text(tag, text)
			return
		}
	}
	if !scalar {
		return // an image, a histogram
	}
	at.Value = x
	name, total := tagName(tag)
	if total {
		e.log.Totals[name] = x
		e.log.State[trace.GlobalStep] = float64(at.Step) // the last entry is at the last step
		return
	}
	e.add(name, at)
}

// Data types of tensors.
const (
	dtFloat  = 1
	dtDouble = 2
	dtString = 7
	dtInt32  = 3
	dtInt64  = 9
)

// tensorValue is the only number of a tensor, or its first string.
func tensorValue(msg []byte) (x float64, text []byte, ok bool) {
	dtype := 0
	var content []byte
	count := 0
	number := func(v float64) { x, count = v, count+1 }
	err := fields(msg, func(f field) {
		switch {
		case f.number == 1 && f.wire == wireVarint:
			dtype = int(f.bits & 0xff)
		case f.number == 4 && f.wire == wireBytes:
			content = f.data
		case f.number == 5 && f.wire == wireFixed32:
			number(float64(math.Float32frombits(uint32(f.bits))))
		case f.number == 5 && f.wire == wireBytes && len(f.data) == 4: // packed
			number(float64(math.Float32frombits(binary.LittleEndian.Uint32(f.data))))
		case f.number == 6 && f.wire == wireFixed64:
			number(math.Float64frombits(f.bits))
		case f.number == 6 && f.wire == wireBytes && len(f.data) == 8:
			number(math.Float64frombits(binary.LittleEndian.Uint64(f.data)))
		case f.number == 8 && f.wire == wireBytes && text == nil:
			text = f.data
		}
	})
	if err != nil {
		return 0, nil, false
	}
	if dtype == dtString {
		if text == nil {
			text = []byte{}
		}
		return 0, text, false
	}
	switch {
	case count == 1:
		return x, nil, true
	case dtype == dtFloat && len(content) == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(content))), nil, true
	case dtype == dtDouble && len(content) == 8:
		return math.Float64frombits(binary.LittleEndian.Uint64(content)), nil, true
	case dtype == dtInt32 && len(content) == 4:
		return float64(int32(binary.LittleEndian.Uint32(content))), nil, true
	case dtype == dtInt64 && len(content) == 8:
		return float64(int64(binary.LittleEndian.Uint64(content))), nil, true
	}
	return 0, nil, false
}

// text takes what transformers writes as text.
func (e *eventReader) text(tag string, text []byte) {
	into := &e.log.Args
	switch strings.TrimSuffix(tag, "/text_summary") {
	case "args":
	case "model_config":
		into = &e.log.Model
	default:
		return
	}
	args, err := ReadArgs(strings.NewReader(string(text)))
	if err != nil {
		e.note("%s is not JSON to its end: %v", tag, err)
	}
	if len(args) > 0 {
		*into = args
	}
}

// tagName is a tag as rules call the series.
func tagName(tag string) (name string, total bool) {
	switch tag {
	case "loss", "train_loss", "train/loss_step", "Loss/train", "loss/train", "training/loss", "train/train/loss":
		return trace.Loss, false
	}
	if rest, ok := strings.CutPrefix(tag, "eval/"); ok {
		return "eval_" + rest, false
	}
	if rest, ok := strings.CutPrefix(tag, "test/"); ok {
		return "test_" + rest, false
	}
	return seriesName(strings.TrimPrefix(tag, "train/"))
}

// finish derives what follows from the rest.
func (e *eventReader) finish() {
	l := e.log
	l.Tool = trace.TensorBoard
	if l.Args != nil {
		l.Tool = trace.Transformers
		for _, name := range []string{trace.NumEpochs, trace.LoggingSteps, trace.EvalSteps, trace.MaxSteps} {
			if x, ok := l.Args.Number(name); ok && x > 0 {
				l.State[name] = x
			}
		}
		if x, ok := l.Args.Number("per_device_train_batch_size"); ok {
			l.State[trace.BatchSize] = x
		}
	}
	if name := l.Model.String("_name_or_path"); name != "" {
		l.BaseName = name
	}
	if f, ok := l.Totals[trace.TotalFLOs]; ok {
		l.Checkpoints = append(l.Checkpoints, trace.Checkpoint{Step: l.LastStep(), FLOs: f, Source: l.Files[0]})
	}
	if c := l.State[trace.GlobalStep]; c > 0 && l.State[trace.MaxSteps] == 0 && l.Totals[trace.TrainRuntime] > 0 {
		l.State[trace.MaxSteps] = c // it ended there, as far as is known
	}
}
