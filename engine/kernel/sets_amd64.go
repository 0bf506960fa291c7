package kernel

func supported() []*set { return []*set{&plain} }
